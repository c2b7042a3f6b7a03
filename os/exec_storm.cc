#include "os/exec_storm.h"

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "os/fd.h"
#include "os/retry.h"

namespace os {
namespace {

constexpr itimerval kEvery200us{{0, 200}, {0, 200}};
constexpr int kTries = 200;

void take_signal(int) {}

// In the child, whose memory is the parent's: only what an exec needs.
[[noreturn]] void exec_again_and_again(const char* path, char* const* argv, char* const* env) {
  ::setitimer(ITIMER_REAL, &kEvery200us, nullptr);  // is not inherited, so it is set here
  for (int tries = 0; tries < kTries; ++tries) {
    ::execve(path, argv, env);
    if (errno != EINTR) break;
  }
  ::_exit(errno);
}

}  // namespace

Result<StormedExec> exec_in_storm(const std::string& path) {
  struct sigaction action {};
  action.sa_handler = take_signal;
  sigset_t alarm;
  ::sigemptyset(&alarm);
  ::sigaddset(&alarm, SIGALRM);
  if (::sigaction(SIGALRM, &action, nullptr) != 0 ||
      ::sigprocmask(SIG_UNBLOCK, &alarm, nullptr) != 0) {
    return last_error("prepare for signals");
  }
  std::string name = path;
  char* const argv[] = {name.data(), nullptr};
  char* const env[] = {nullptr};
  const pid_t child = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (child == 0)
    exec_again_and_again(name.c_str(), argv, env);  // NOLINT(clang-analyzer-unix.Vfork)
  if (child < 0) return last_error("vfork");
  int status = 0;
  if (retrying([&] { return ::waitpid(child, &status, 0); }) < 0) return last_error("wait");
  if (WIFSIGNALED(status)) return StormedExec{0, WTERMSIG(status)};
  return StormedExec{WEXITSTATUS(status), 0};
}

}  // namespace os
