#include "os/tracee.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

#include "os/fd.h"
#include "os/retry.h"
#include "os/text.h"

#ifndef __x86_64__
#error "The register redirect is written for x86_64; arm64 needs x8, x0-x5 and NT_ARM_SYSTEM_CALL."
#endif

namespace os {
namespace {

constexpr std::uintptr_t kOptions =
    PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD;
constexpr std::uint64_t kSyscallInstruction = 2;  // bytes of `syscall`

template <class Request>
long trace(Request request, pid_t tid, std::uintptr_t address, std::uintptr_t data) {
  return ::ptrace(static_cast<__ptrace_request>(request), tid,
                  reinterpret_cast<void*>(address),  // NOLINT(performance-no-int-to-ptr)
                  reinterpret_cast<void*>(data));    // NOLINT(performance-no-int-to-ptr)
}

std::uintptr_t address_of(const void* object) { return reinterpret_cast<std::uintptr_t>(object); }

}  // namespace

Result<Tracee> Tracee::seize(pid_t tid) {
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
  const int signal = WSTOPSIG(status);
  switch (status >> 16) {
    case PTRACE_EVENT_SECCOMP:
      return {Halt::Kind::seccomp};
    case PTRACE_EVENT_EXEC:
      return {Halt::Kind::executed};
    case PTRACE_EVENT_STOP:
      return {Halt::Kind::stopped};
    default:
      break;
  }
  if (signal == (SIGTRAP | 0x80)) return {Halt::Kind::syscall};
  return {Halt::Kind::signalled, signal};
}

Result<user_regs_struct> Tracee::registers() const {
  user_regs_struct registers{};
  if (trace(PTRACE_GETREGS, tid_, 0, address_of(&registers)) != 0) {
    return last_error("read registers");
  }
  return registers;
}

Status Tracee::set_registers(const user_regs_struct& registers) const {
  if (trace(PTRACE_SETREGS, tid_, 0, address_of(&registers)) != 0) {
    return last_error("set registers");
  }
  return {};
}

Result<std::uint64_t> Tracee::signal_mask() const {
  std::uint64_t mask = 0;
  if (trace(PTRACE_GETSIGMASK, tid_, sizeof mask, address_of(&mask)) != 0) {
    return last_error("read the signal mask");
  }
  return mask;
}

Status Tracee::set_signal_mask(std::uint64_t mask) const {
  if (trace(PTRACE_SETSIGMASK, tid_, sizeof mask, address_of(&mask)) != 0) {
    return last_error("set the signal mask");
  }
  return {};
}

Status Tracee::resume(int signal) const {
  if (trace(PTRACE_CONT, tid_, 0, static_cast<std::uintptr_t>(signal)) != 0) {
    return last_error("resume");
  }
  return {};
}

Status Tracee::resume_to_syscall(int signal) const {
  if (trace(PTRACE_SYSCALL, tid_, 0, static_cast<std::uintptr_t>(signal)) != 0) {
    return last_error("resume to the next system call");
  }
  return {};
}

Status Tracee::detach() {
  if (trace(PTRACE_DETACH, tid_, 0, 0) != 0) return last_error("detach");
  tid_ = 0;
  return {};
}

void Tracee::kill() {
  const pid_t tid = std::exchange(tid_, 0);
  ::kill(tid, SIGKILL);
  int status = 0;
  // Reported first: the halt it was killed in, or PTRACE_EVENT_EXIT-less death.
  while (retrying([&] { return ::waitpid(-1, &status, __WALL | __WNOTHREAD); }) > 0) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) return;
  }
}

Result<std::uint64_t> stack_pointer_of(pid_t tid) {
  user_regs_struct registers{};
  if (trace(PTRACE_GETREGS, tid, 0, address_of(&registers)) != 0) {
    return last_error("read the stack pointer");
  }
  return static_cast<std::uint64_t>(registers.rsp);
}

user_regs_struct as_execveat(user_regs_struct registers, int fd, std::uint64_t empty_path,
                             std::uint64_t argv, std::uint64_t envp, std::uint64_t cookie) {
  registers.rdi = static_cast<unsigned long long>(fd);
  registers.rsi = empty_path;
  registers.rdx = argv;
  registers.r10 = envp;
  registers.r8 = AT_EMPTY_PATH;
  return as_repeated(registers, SYS_execveat, cookie);
}

user_regs_struct as_repeated(user_regs_struct registers, int number, std::uint64_t cookie) {
  registers.rax = static_cast<unsigned long long>(number);
  registers.orig_rax = ~0ULL;  // or the kernel would restart the call that was interrupted
  registers.rip -= kSyscallInstruction;
  registers.r9 = cookie;
  return registers;
}

user_regs_struct as_close(user_regs_struct registers, int fd) {
  registers.rdi = static_cast<unsigned long long>(fd);
  registers.rax = SYS_close;
  registers.orig_rax = ~0ULL;
  registers.rip -= kSyscallInstruction;
  return registers;
}

user_regs_struct as_returned(user_regs_struct registers, std::int64_t result) {
  registers.rax = static_cast<unsigned long long>(result);
  registers.orig_rax = ~0ULL;
  return registers;
}

std::int64_t result_of(const user_regs_struct& registers) {
  return static_cast<std::int64_t>(registers.rax);
}

void set_socket_register(user_regs_struct& registers, int fd) {
  registers.rbx = static_cast<unsigned long long>(fd);
}

}  // namespace os
