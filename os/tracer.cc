#include "os/tracer.h"

#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "os/creds.h"
#include "os/retry.h"
#include "os/text.h"

namespace os {
namespace {

constexpr std::uintptr_t kOptions = PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                                    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
                                    PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD;

}  // namespace

Status seize_tree(pid_t first, std::optional<uid_t> as) {
  const auto user = TRY(RealUser::enter(as));
  if (::ptrace(PTRACE_SEIZE, first, nullptr,
               reinterpret_cast<void*>(kOptions)) != 0) {  // NOLINT(performance-no-int-to-ptr)
    return last_error(join("trace process ", first));
  }
  return {};
}

Result<std::optional<TracedHalt>> next_halt() {
  int status = 0;
  const pid_t tid =
      retrying([&] { return ::waitpid(-1, &status, __WALL | __WNOTHREAD | WNOHANG); });
  if (tid < 0) return last_error("wait for a traced process");
  if (tid == 0) return std::optional<TracedHalt>();
  return std::optional<TracedHalt>({tid, Halt::from_wait(status)});
}

bool is_thread_of(pid_t tid, pid_t process) {
  return ::tgkill(process, tid, 0) == 0 || errno != ESRCH;
}

Result<Fd> halts_descriptor() {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);
  Fd descriptor(::signalfd(-1, &child, SFD_CLOEXEC));
  if (!descriptor.valid()) return last_error("make a descriptor for SIGCHLD");
  return descriptor;
}

void await_halts(int descriptor) {
  signalfd_siginfo taken{};
  (void)retrying([&] { return ::read(descriptor, &taken, sizeof taken); });
}

void wake_tracer() { ::kill(::getpid(), SIGCHLD); }

}  // namespace os
