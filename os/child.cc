#include "os/child.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "os/retry.h"
#include "os/text.h"

namespace os {
namespace {

// fork(3) where it will do: it keeps libc's idea of the thread id right, which the runner's
// threads need. A namespace's first process has no threads, so the bare call does no harm.
pid_t fork_into(std::uint64_t namespaces) {
  if (namespaces == 0) return ::fork();
  return static_cast<pid_t>(
      ::syscall(SYS_clone, namespaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

}  // namespace

ExitStatus ExitStatus::from_wait(int status) {
  if (WIFSIGNALED(status)) return {true, WTERMSIG(status)};
  return {false, WEXITSTATUS(status)};
}

std::string ExitStatus::text() const {
  if (!signalled) return join("exit code ", value);
  const char* name = ::sigabbrev_np(value);
  return name != nullptr ? join("SIG", name) : join("signal ", value);
}

Result<Child> Child::start(std::uint64_t namespaces, const std::function<int()>& body) {
  const pid_t pid = fork_into(namespaces);
  if (pid < 0) return last_error("start a process");
  if (pid == 0) ::_exit(body());
  auto pidfd = open_process(pid);  // not reaped yet, so the number still means this child
  if (!pidfd.ok()) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return pidfd.error();
  }
  return Child(pid, std::move(pidfd).value());
}

Status Child::signal(int number) const {
  if (!running()) return Error{ESRCH, join("send signal ", number, " to an ended process")};
  return signal_process(pidfd_.get(), number);
}

Result<std::optional<ExitStatus>> Child::poll() {
  int status = 0;
  const pid_t pid = retrying([&] { return ::waitpid(pid_, &status, WNOHANG); });
  if (pid < 0) return last_error(join("wait for process ", pid_));
  if (pid == 0) return std::optional<ExitStatus>();
  reaped();
  return std::optional(ExitStatus::from_wait(status));
}

Result<ExitStatus> Child::wait() {
  int status = 0;
  if (retrying([&] { return ::waitpid(pid_, &status, 0); }) < 0) {
    return last_error(join("wait for process ", pid_));
  }
  reaped();
  return ExitStatus::from_wait(status);
}

Result<Fd> open_process(pid_t pid) {
  const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
  if (pidfd < 0) return last_error(join("open process ", pid));
  return Fd(static_cast<int>(pidfd));
}

Status signal_process(int pidfd, int number) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0) != 0) {
    return last_error(join("send signal ", number));
  }
  return {};
}

std::optional<Reaped> reap_one(Stops stops) {
  int status = 0;
  const int options = WNOHANG | __WALL | (stops == Stops::tell ? WUNTRACED : 0);
  const pid_t pid = retrying([&] { return ::waitpid(-1, &status, options); });
  if (pid <= 0) return std::nullopt;
  if (WIFSTOPPED(status)) return Reaped{pid, {}, WSTOPSIG(status)};
  return Reaped{pid, ExitStatus::from_wait(status)};
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

void exit_now(int code) { ::_exit(code); }

void signal_all(int number) { ::kill(-1, number); }

}  // namespace os
