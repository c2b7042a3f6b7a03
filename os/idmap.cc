#include "os/idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "os/retry.h"
#include "os/socket.h"
#include "os/text.h"

namespace os {
namespace {

bool appears(const std::vector<IdMove>& moves, std::uint32_t seen) {
  return std::any_of(moves.begin(), moves.end(), [&](IdMove move) { return move.seen == seen; });
}

// A process in a new user namespace, which it opens itself: nobody else may look into a process
// that is not dumpable. It lives until its socket is closed, and sends no SIGCHLD: PID 1 has other
// children to hear of.
class Holder {
 public:
  static Result<Holder> start() {
    SocketPair pair = TRY(seqpacket_pair());
    const long pid = ::syscall(SYS_clone, CLONE_NEWUSER, nullptr, nullptr, nullptr, nullptr);
    if (pid < 0) return last_error("make a user namespace");
    if (pid == 0) {
      pair.first.reset();
      hold(pair.second.get());
      ::_exit(0);
    }
    Holder holder(static_cast<pid_t>(pid), std::move(pair.first));
    pair.second.reset();
    Message message = TRY(receive_message(holder.socket_.get(), 1));
    if (message.fds.size() != 1) return Error{EPROTO, "open a user namespace"};
    holder.space_ = std::move(message.fds.front());
    return holder;
  }
  Holder(Holder&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        socket_(std::move(other.socket_)),
        space_(std::move(other.space_)) {}
  Holder& operator=(Holder&&) = delete;
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() {
    if (pid_ < 0) return;
    socket_.reset();
    (void)retrying([&] { return ::waitpid(pid_, nullptr, __WALL); });
  }

  std::string file(const char* name) const { return join("/proc/", pid_, "/", name); }

  Fd take() && { return std::move(space_); }

 private:
  Holder(pid_t pid, Fd socket) : pid_(pid), socket_(std::move(socket)) {}
  static void hold(int socket) {
    const auto space = open_file("/proc/self/ns/user", O_RDONLY);
    const int fds[] = {space.ok() ? space.value().get() : -1};
    if (!send_message(socket, "x", std::span(fds).first(space.ok() ? 1 : 0)).ok()) return;
    static_cast<void>(receive_message(socket, 1).ok());
  }

  pid_t pid_;
  Fd socket_;
  Fd space_;
};

// The whole map must arrive in one write.
Status write_map(const std::string& path, const std::vector<IdRange>& ranges) {
  const Fd file = TRY(open_file(path, O_WRONLY));
  TRY_STEP(write_all(file.get(), map_text(ranges)), join("write '", path, "'"));
  return {};
}

}  // namespace

std::vector<IdMove> task_view(std::uint32_t owner, std::uint32_t task) {
  if (owner == task) return {};
  return {{owner, task}, {task, owner == 0 ? kParkedId : owner}};
}

std::vector<IdMove> cli_view(std::uint32_t owner, std::uint32_t task, std::uint32_t cli) {
  std::vector<IdMove> moves;
  std::vector<std::uint32_t> ids = {owner, task, cli};
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const std::vector<IdMove> first = task_view(owner, task);
  for (const std::uint32_t id : ids) {
    const auto moved =
        std::find_if(first.begin(), first.end(), [&](IdMove move) { return move.disk == id; });
    std::uint32_t seen = moved == first.end() ? id : moved->seen;
    if (seen == task) {
      seen = cli;
    } else if (seen == cli) {
      seen = task;
    }
    if (seen != id) moves.push_back({id, seen});
  }
  return moves;
}

std::vector<IdRange> complete_map(const std::vector<IdMove>& moves) {
  std::vector<IdMove> points = moves;
  const auto moved = [&](std::uint32_t id) {
    return std::any_of(moves.begin(), moves.end(), [&](IdMove move) { return move.disk == id; });
  };
  if (!moved(0) && !appears(moves, kParkedId)) points.push_back({0, kParkedId});
  std::sort(points.begin(), points.end(), [](IdMove a, IdMove b) { return a.disk < b.disk; });
  std::vector<IdRange> ranges;
  std::uint32_t next = points.front().disk == 0 ? 0 : 1;  // kParkedId is the owner: 0 is left out
  const auto same_up_to = [&](std::uint32_t end) {
    if (end > next) ranges.push_back({next, next, end - next});
  };
  for (const IdMove point : points) {
    same_up_to(point.disk);
    ranges.push_back({point.disk, point.seen, 1});
    next = point.disk + 1;
  }
  same_up_to(kParkedId);
  return ranges;
}

std::string map_text(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const IdRange& range : ranges) {
    text += join(range.disk, ' ', range.seen, ' ', range.count, '\n');
  }
  return text;
}

Result<Fd> make_id_namespace(const std::vector<IdRange>& uids, const std::vector<IdRange>& gids) {
  Holder holder = TRY(Holder::start());
  TRY(write_map(holder.file("uid_map"), uids));
  TRY(write_map(holder.file("gid_map"), gids));
  return std::move(holder).take();
}

}  // namespace os
