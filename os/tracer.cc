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

// SIGSTOP is the one signal that cannot be blocked; it is sent again afterwards.
Status to_next_syscall_halt(const TracedTask& task, bool& stopped) {
  for (;;) {
    TRY(task.resume_to_syscall());
    const Halt halt = wait_for_halt(task.tid());
    if (halt.kind == Halt::Kind::gone) return Error{ESRCH, "prepare a new program"};
    if (halt.kind == Halt::Kind::syscall) return {};
    stopped = stopped || (halt.kind == Halt::Kind::signalled && halt.signal == SIGSTOP);
  }
}

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

Halt wait_for_halt(pid_t tid) {
  int status = 0;
  const pid_t found = retrying([&] { return ::waitpid(tid, &status, __WALL | __WNOTHREAD); });
  if (found < 0) return {Halt::Kind::gone};
  return Halt::from_wait(status);
}

Status give_page(const TracedTask& task, std::uint64_t address, std::string_view bytes) {
  bool stopped = false;
  TRY(to_next_syscall_halt(task, stopped));  // the exit of the exec
  const user_regs_struct registers = TRY(task.registers());
  const std::string code = TRY(task.read(registers.rip, kSyscallInstruction.size()));
  TRY(task.write(registers.rip, kSyscallInstruction));
  TRY(task.set_registers(as_page(registers, address)));
  TRY(to_next_syscall_halt(task, stopped));  // entry
  TRY(to_next_syscall_halt(task, stopped));  // exit
  const std::int64_t mapped = result_of(TRY(task.registers()));
  if (mapped != static_cast<std::int64_t>(address)) {
    return Error{EEXIST, join("map a page at ", address)};
  }
  TRY(task.write(address, bytes));
  TRY(task.write(registers.rip, code));
  TRY(task.set_registers(registers));
  if (stopped) ::kill(task.tid(), SIGSTOP);
  return {};
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
