#include "runner/exec_copy.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <sstream>

#include "os/creds.h"
#include "os/foreign_memory.h"
#include "os/text.h"
#include "os/tracer.h"

namespace runner {
namespace {

// Above what the kernel takes (3/4 of 8 MiB at most), so that it is the kernel that says E2BIG.
constexpr std::size_t kMaxStrings = 7 << 20;

// The arguments of execve(2) and execveat(2), told apart.
struct Call {
  int directory = AT_FDCWD;
  int flags = 0;
  std::uint64_t path = 0;
  std::uint64_t argv = 0;
  std::uint64_t envp = 0;
};

Call call_of(const seccomp_data& data) {
  if (data.nr == SYS_execve) return {AT_FDCWD, 0, data.args[0], data.args[1], data.args[2]};
  return {static_cast<int>(data.args[0]), static_cast<int>(data.args[4]), data.args[1],
          data.args[2], data.args[3]};
}

// The number in `/proc/self/fd/N` and `/dev/fd/N`: a descriptor of the caller, not of the sandbox.
std::optional<int> named_descriptor(std::string_view path) {
  for (const std::string_view prefix : {"/proc/self/fd/", "/dev/fd/"}) {
    if (!path.starts_with(prefix)) continue;
    const std::string_view digits = path.substr(prefix.size());
    int fd = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), fd);
    if (error == std::errc() && end == digits.data() + digits.size() && fd >= 0) return fd;
  }
  return std::nullopt;
}

bool names_own_exe(std::string_view path, pid_t tid) {
  return path == "/proc/self/exe" || path == "/proc/thread-self/exe" ||
         path == os::join("/proc/", tid, "/exe");
}

// AT_EMPTY_PATH: the descriptor itself is executed.
os::Result<std::string> locate_descriptor(const Call& call, pid_t tid, const TaskFiles& files,
                                          uid_t cli_uid) {
  if ((call.flags & AT_EMPTY_PATH) == 0) return os::Error{ENOENT, "execute an empty path"};
  if (call.directory == AT_FDCWD) return os::Error{EACCES, "execute the working directory"};
  return files.descriptor(tid, call.directory, cli_uid);
}

// Fills in request.path and given from the caller's own path string, and request.cwd where it
// counts.
os::Status locate(ExecCopy& copy, const Call& call, std::string path, pid_t tid,
                  const TaskFiles& files, uid_t cli_uid) {
  if (path.empty()) {
    copy.request.path = TRY(locate_descriptor(call, tid, files, cli_uid));
    copy.closes = files.closes_on_exec(tid, call.directory);
  } else if ((call.flags & AT_SYMLINK_NOFOLLOW) != 0 &&
             (names_own_exe(path, tid) || named_descriptor(path))) {
    return os::Error{ELOOP, "execute a link that must not be followed"};
  } else if (names_own_exe(path, tid)) {
    copy.own_exe = true;
    copy.request.path = TRY(files.link(tid, "exe"));
  } else if (const auto fd = named_descriptor(path)) {
    copy.request.path = TRY(files.descriptor(tid, *fd, cli_uid));
  } else if (path.front() == '/') {
    copy.request.path = std::move(path);
  } else if (call.directory == AT_FDCWD) {
    copy.request.cwd = TRY(files.link(tid, "cwd"));
    copy.request.path = os::join(copy.request.cwd == "/" ? "" : copy.request.cwd, '/', path);
    copy.given = std::move(path);
  } else {
    copy.request.path = os::join(TRY(files.descriptor(tid, call.directory, cli_uid)), '/', path);
    copy.closes = files.closes_on_exec(tid, call.directory);
  }
  if (copy.given.empty()) copy.given = copy.request.path;
  if (copy.request.path.front() != '/')
    return os::Error{EACCES, "execute something without a path"};
  return {};
}

}  // namespace

// Who looks: whoever this thread is for files, whom CAP_SYS_PTRACE lets look, or the tasks' own
// user.
os::Result<std::optional<os::FsUser>> TaskFiles::reader() const {
  if (!as_) return std::optional<os::FsUser>();
  return std::optional<os::FsUser>(TRY(os::FsUser::enter(*as_, *as_)));
}

os::Result<std::string> TaskFiles::link(pid_t tid, const std::string& name) const {
  const auto user = TRY(reader());
  return os::read_link_at(proc_, os::join(tid, '/', name));
}

os::Result<os::FileId> TaskFiles::id(pid_t tid, const std::string& name) const {
  const auto user = TRY(reader());
  return os::file_id_at(proc_, os::join(tid, '/', name));
}

os::Result<std::string> TaskFiles::descriptor(pid_t tid, int fd, uid_t owner) const {
  for (const uid_t user : {owner, uid_t{0}}) {
    const auto as_owner = TRY(os::FsUser::enter(user, user));
    auto target = link(tid, os::join("fd/", fd));
    if (target.ok()) return target;
    if (target.error().code == ENOENT) return os::Error{EBADF, "look up a descriptor"};
  }
  return os::Error{EBADF, "look up a descriptor"};
}

bool TaskFiles::closes_on_exec(pid_t tid, int fd) const {
  const auto user = reader();
  if (!user.ok()) return false;
  const auto info = os::open_at(proc_, os::join(tid, "/fdinfo/", fd), O_RDONLY);
  if (!info.ok()) return false;
  const auto text = os::read_all(info.value().get());
  if (!text.ok()) return false;
  const std::size_t at = text.value().find("flags:\t");
  if (at == std::string::npos) return false;
  unsigned flags = 0;
  const char* digits = text.value().data() + at + std::strlen("flags:\t");
  std::from_chars(digits, text.value().data() + text.value().size(), flags, 8);
  return (flags & O_CLOEXEC) != 0;
}

os::Result<pid_t> TaskFiles::group(pid_t tid) const {
  if (os::is_thread_of(tid, tid)) return tid;  // most do, and the file takes longer
  const auto user = TRY(reader());
  const auto file = TRY(os::open_at(proc_, os::join(tid, "/status"), O_RDONLY));
  const std::string text = TRY(os::read_all(file.get()));
  constexpr std::string_view kGroup = "\nTgid:\t";
  const std::size_t at = text.find(kGroup);
  pid_t group = 0;
  if (at != std::string::npos) {
    std::from_chars(text.data() + at + kGroup.size(), text.data() + text.size(), group);
  }
  if (group == 0) return os::Error{EIO, os::join("find the process of thread ", tid)};
  return group;
}

bool TaskFiles::has_room(pid_t tid, std::uint64_t wanted) const {
  constexpr std::string_view kLimit = "Max open files";
  const auto open = os::size_at(proc_, os::join(tid, "/fd"));
  const auto file = os::open_at(proc_, os::join(tid, "/limits"), O_RDONLY);
  if (!open.ok() || open.value() == 0 || !file.ok()) return true;
  const auto text = os::read_all(file.value().get());
  const std::size_t line = text.ok() ? text.value().find(kLimit) : std::string::npos;
  if (line == std::string::npos) return true;
  std::istringstream words(text.value().substr(line + kLimit.size()));
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
  return !(words >> soft >> hard) || open.value() + wanted <= hard;
}

os::Result<ExecCopy> copy_location(pid_t tid, const seccomp_data& data, os::ForeignMemory& memory,
                                   const TaskFiles& files, uid_t cli_uid) {
  const Call call = call_of(data);
  constexpr int kKnownFlags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
  constexpr int kCheckFlag = 0x10000;  // AT_EXECVE_CHECK
  if ((call.flags & kCheckFlag) != 0) return os::Error{EACCES, "check a program"};
  if ((call.flags & ~kKnownFlags) != 0) return os::Error{EINVAL, "execute with unknown flags"};

  memory.prefetch(std::array{call.path, call.argv, call.envp});
  auto path = memory.string(call.path, PATH_MAX);
  if (!path.ok()) {
    return os::Error{path.error().code == E2BIG ? ENAMETOOLONG : EFAULT, "read the path"};
  }
  if (path.value().size() >= PATH_MAX) return os::Error{ENAMETOOLONG, "read the path"};
  ExecCopy copy;
  copy.path_end = call.path + path.value().size();
  copy.argv = call.argv;
  copy.envp = call.envp;
  copy.no_follow = (call.flags & AT_SYMLINK_NOFOLLOW) != 0;
  TRY(locate(copy, call, std::move(path).value(), tid, files, cli_uid));
  return copy;
}

os::Status copy_rest(pid_t tid, os::ForeignMemory& memory, const TaskFiles& files, ExecCopy& copy) {
  if (copy.request.cwd.empty()) copy.request.cwd = TRY(files.link(tid, "cwd"));
  copy.cwd = TRY(files.id(tid, "cwd"));
  copy.request.argv = TRY(memory.strings(copy.argv, kMaxStrings));
  copy.request.env = TRY(memory.strings(copy.envp, kMaxStrings));
  // execve(2): a program never starts with argc 0 (Linux 5.18).
  if (copy.request.argv.empty()) copy.request.argv.emplace_back();
  return {};
}

}  // namespace runner
