#include "os/tracee.h"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

#include "os/creds.h"
#include "os/fd.h"
#include "os/retry.h"
#include "os/text.h"

namespace os {
namespace {

constexpr std::uintptr_t kOptions =
    PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD;

template <class Request>
long trace(Request request, pid_t tid, std::uintptr_t address, std::uintptr_t data) {
  return ::ptrace(static_cast<__ptrace_request>(request), tid,
                  reinterpret_cast<void*>(address),  // NOLINT(performance-no-int-to-ptr)
                  reinterpret_cast<void*>(data));    // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

Result<Tracee> Tracee::seize(pid_t tid, std::optional<uid_t> as) {
  const auto user = TRY(RealUser::enter(as));
  if (trace(PTRACE_SEIZE, tid, 0, kOptions) != 0) return last_error(join("seize thread ", tid));
  Tracee tracee(tid);
  if (trace(PTRACE_INTERRUPT, tid, 0, 0) != 0) return last_error(join("interrupt thread ", tid));
  return tracee;
}

Tracee::~Tracee() {
  if (tid_ != 0) kill();
}

Halt Tracee::wait() {
  int status = 0;
  const pid_t pid = retrying([&] { return ::waitpid(-1, &status, __WALL | __WNOTHREAD); });
  if (pid < 0 || WIFEXITED(status) || WIFSIGNALED(status)) {
    tid_ = 0;
    return {Halt::Kind::gone};
  }
  tid_ = pid;
  return Halt::from_wait(status);
}

Status Tracee::detach(int signal) {
  if (trace(PTRACE_DETACH, tid_, 0, static_cast<std::uintptr_t>(signal)) != 0) {
    return last_error("detach");
  }
  tid_ = 0;
  return {};
}

void Tracee::kill() {
  const pid_t tid = std::exchange(tid_, 0);
  int status = 0;
  do {
    siginfo_t info{};
    const bool halted =
        trace(PTRACE_GETSIGINFO, tid, 0, reinterpret_cast<std::uintptr_t>(&info)) == 0;
    if (halted) ::kill(tid, SIGKILL);
    // Reported first: the halt it was killed in, or PTRACE_EVENT_EXIT-less death.
  } while (retrying([&] { return ::waitpid(-1, &status, __WALL | __WNOTHREAD); }) > 0 &&
           !WIFEXITED(status) && !WIFSIGNALED(status));
}

}  // namespace os
