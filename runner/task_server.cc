#include "runner/task_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "os/creds.h"
#include "os/ready_set.h"
#include "os/text.h"
#include "runner/resolve.h"

namespace runner {
namespace {

constexpr std::size_t kMostConnections = 64;
constexpr std::chrono::seconds kIdle{5};
constexpr int kTickMilliseconds = 1000;

Frame refused(int code, std::string reason) {
  return {FrameKind::refused, static_cast<std::uint64_t>(code), std::move(reason), {}, {}};
}

Frame text(std::string words) { return {FrameKind::text, 0, std::move(words), {}, {}}; }

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

std::string dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

os::Status TaskServer::run(int stop) {
  ready_ = TRY(os::make_ready_set());
  if (context_.channels.socket >= 0) {
    TRY(os::add_to_ready_set(ready_.get(), context_.channels.socket));
  }
  TRY(os::add_to_ready_set(ready_.get(), stop));
  TRY(os::add_to_ready_set(ready_.get(), context_.relay_ends.ended()));
  const auto as_task = TRY(os::FsUser::enter(context_.session.task_uid, context_.session.task_uid));
  for (;;) {
    const auto ready =
        TRY(os::wait_ready(ready_.get(), connections_.empty() ? -1 : kTickMilliseconds));
    for (const int fd : ready) {
      if (fd == stop) return {};
      if (fd == context_.channels.socket) {
        accept_one();
      } else if (fd == context_.relay_ends.ended()) {
        context_.relay_ends.give_up_ended();
      } else {
        read_one(fd);
      }
    }
    close_idle();
  }
}

void TaskServer::accept_one() {
  auto accepted = os::accept_unix(context_.channels.socket);
  if (!accepted.ok()) return;
  os::Fd socket = std::move(accepted).value();
  const auto peer = os::peer_of(socket.get());
  if (!peer.ok()) return;
  if (const os::Fd end = context_.relay_ends.take(peer.value().pid); end.valid()) {
    const int fds[] = {end.get()};
    (void)os::send_message(socket.get(), "s", fds, MSG_DONTWAIT);
    return;
  }
  if (connections_.size() >= kMostConnections) return;
  const uid_t uid = peer.value().uid;
  if (uid != 0 && uid != context_.session.task_uid && uid != context_.session.cli_uid) return;
  const int fd = socket.get();
  if (!os::add_to_ready_set(ready_.get(), fd).ok()) return;
  connections_[fd] = {std::move(socket), peer.value(), std::chrono::steady_clock::now()};
}

void TaskServer::read_one(int fd) {
  const auto found = connections_.find(fd);
  if (found == connections_.end()) return;
  auto message = os::receive_message(fd, kMaxFrame, MSG_DONTWAIT);
  if (!message.ok() && message.error().code == EAGAIN) return;
  if (message.ok() && !message.value().end) {
    os::Fd passed;
    const Frame answer = answer_to(found->second, message.value(), passed);
    // A client that does not read its answer loses it; nobody waits for it.
    (void)send_frame(fd, answer, passed, MSG_DONTWAIT);
  }
  connections_.erase(found);
}

void TaskServer::close_idle() {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(connections_, [&](const auto& entry) { return now - entry.second.opened > kIdle; });
}

Frame TaskServer::answer_to(const Connection& connection, const os::Message& message,
                            os::Fd& passed) {
  auto frame = read_frame(message);
  if (!frame.ok()) return refused(frame.error().code, frame.error().text());
  Frame request = std::move(frame).value();
  if (request.kind == FrameKind::start) {
    auto started = start(connection.peer, std::move(request), passed);
    if (started.ok()) return std::move(started).value();
    return refused(started.error().code, started.error().text());
  }
  if (connection.peer.uid != 0) return refused(EPERM, "only root may ask the runner this");
  switch (request.kind) {
    case FrameKind::jobs:
      return jobs();
    case FrameKind::asks:
      return asks();
    case FrameKind::answer:
      if (request.text != "yes" && request.text != "no") return refused(EINVAL, "yes or no");
      if (!context_.asks.answer(request.number, request.text == "yes")) {
        return refused(ENOENT, "no such question is open");
      }
      return text("{}");
    case FrameKind::start:
    case FrameKind::started:
    case FrameKind::refused:
    case FrameKind::text:
      break;
  }
  return refused(EPROTO, "the runner does not answer frames of this kind");
}

// What execvp(3) would choose, looked up in the sandbox.
os::Result<std::string> TaskServer::find_program(const Frame& request,
                                                 const std::string& cwd) const {
  const std::string& name = request.argv.front();
  const int root = context_.channels.task_root;
  if (name.find('/') != std::string::npos) {
    const std::string path = name.front() == '/' ? name : os::join(cwd, '/', name);
    TRY_STEP(resolve(root, path, cwd, false), os::printable(name));
    return path;
  }
  std::string search = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& entry : request.env) {
    if (entry.starts_with("PATH=")) search = entry.substr(5);
  }
  int code = ENOENT;
  for (const std::string& directory : os::split(search, ':')) {
    const std::string path =
        os::join(directory.starts_with('/') ? directory : os::join(cwd, '/', directory), '/', name);
    const auto found = resolve(root, path, cwd, false);
    if (found.ok()) return path;
    if (found.error().code == EACCES) code = EACCES;
  }
  return os::Error{code, os::join("find '", os::printable(name), "' on PATH")};
}

os::Result<Frame> TaskServer::start(const os::Peer& peer, Frame request, os::Fd& passed) {
  Order order;
  order.caller = peer.pid;
  // Commands ask as well as the CLI: each is looked at as its own user.
  const bool as_peer = context_.session.trace_as.has_value();
  const TaskFiles files = as_peer ? TaskFiles(context_.proc.get(), peer.uid) : context_.files;
  order.request.cwd = TRY(files.link(peer.pid, "cwd"));
  const os::FileId cwd = TRY(files.id(peer.pid, "cwd"));
  order.request.path = TRY(find_program(request, order.request.cwd));
  order.request.argv = std::move(request.argv);
  order.request.env = std::move(request.env);
  order.request.explicit_route = true;
  order.verdict = policy::decide(context_.session.policy->exec, order.request);
  order.id = context_.next_id();
  tighten(context_, order);
  policy::Verdict& verdict = order.verdict;
  if (verdict.action == policy::Action::ask) {
    // One thread serves everybody: only an answer given before counts here.
    const auto answer = context_.asks.remembered(verdict, order.request);
    if (answer.has_value()) {
      settle(verdict, *answer ? Answer::yes : Answer::no);
    } else {
      settle(verdict, "nobody has been asked: only what the CLI executes makes a question");
    }
  }
  TRY(record(context_, order));
  if (verdict.action == policy::Action::deny) {
    return Frame{FrameKind::refused, EACCES, refusal_line(verdict), {}, {}};
  }
  const policy::Profile& profile = context_.profile(verdict);
  Parked sandbox = TRY(context_.parking.take(profile));
  JobSpec job = job_for(context_, order);
  job.cwd_id = cwd;
  job.asked_by_command = peer.uid == context_.session.task_uid;
  TRY(send_job(sandbox, job, profile, context_.session));
  context_.collector.add(std::move(sandbox.job), profile, info_for(order));
  passed = std::move(sandbox.relay);
  return Frame{FrameKind::started, order.id, "", {}, {}};
}

Frame TaskServer::jobs() const {
  nlohmann::json list = nlohmann::json::array();
  for (const JobInfo& job : context_.collector.jobs()) {
    list.push_back({{"id", job.id},
                    {"pid", job.pid},
                    {"command", job.command},
                    {"rule", job.rule},
                    {"profile", job.profile},
                    {"seconds", seconds_since(job.started)},
                    {"lingering", job.lingering}});
  }
  return text(dump(list));
}

Frame TaskServer::asks() const {
  nlohmann::json list = nlohmann::json::array();
  for (const Asks::Question& question : context_.asks.questions()) {
    list.push_back({{"id", question.id},
                    {"rule", question.rule},
                    {"program", question.program},
                    {"command", question.command},
                    {"cwd", question.cwd},
                    {"seconds_left", -seconds_since(question.deadline)}});
  }
  return text(dump(list));
}

}  // namespace runner
