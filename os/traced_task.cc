#include "os/traced_task.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "os/fd.h"

#ifndef __x86_64__
#error "The register redirect is written for x86_64; arm64 needs x8, x0-x5 and NT_ARM_SYSTEM_CALL."
#endif

namespace os {
namespace {

template <class Request>
long trace(Request request, pid_t tid, std::uintptr_t address, std::uintptr_t data) {
  return ::ptrace(static_cast<__ptrace_request>(request), tid,
                  reinterpret_cast<void*>(address),  // NOLINT(performance-no-int-to-ptr)
                  reinterpret_cast<void*>(data));    // NOLINT(performance-no-int-to-ptr)
}

std::uintptr_t address_of(const void* object) { return reinterpret_cast<std::uintptr_t>(object); }

constexpr long kPageSize = 4096;
constexpr int kSyscallTrap = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

}  // namespace

Halt Halt::from_wait(int status) {
  if (WIFEXITED(status) || WIFSIGNALED(status)) return {Kind::gone};
  const int signal = WSTOPSIG(status);
  switch (status >> 16) {
    case PTRACE_EVENT_SECCOMP:
      return {Kind::seccomp};
    case PTRACE_EVENT_EXEC:
      return {Kind::executed};
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      return {Kind::born};
    case PTRACE_EVENT_STOP:
      return {Kind::stopped, signal};
    default:
      break;
  }
  if (signal == kSyscallTrap) return {Kind::syscall};
  return {Kind::signalled, signal};
}

Result<user_regs_struct> TracedTask::registers() const {
  user_regs_struct registers{};
  if (trace(PTRACE_GETREGS, tid_, 0, address_of(&registers)) != 0) {
    return last_error("read registers");
  }
  return registers;
}

Status TracedTask::set_registers(const user_regs_struct& registers) const {
  if (trace(PTRACE_SETREGS, tid_, 0, address_of(&registers)) != 0) {
    return last_error("set registers");
  }
  return {};
}

Result<std::uint64_t> TracedTask::signal_mask() const {
  std::uint64_t mask = 0;
  if (trace(PTRACE_GETSIGMASK, tid_, sizeof mask, address_of(&mask)) != 0) {
    return last_error("read the signal mask");
  }
  return mask;
}

Status TracedTask::set_signal_mask(std::uint64_t mask) const {
  if (trace(PTRACE_SETSIGMASK, tid_, sizeof mask, address_of(&mask)) != 0) {
    return last_error("set the signal mask");
  }
  return {};
}

Status TracedTask::resume(int signal) const {
  if (trace(PTRACE_CONT, tid_, 0, static_cast<std::uintptr_t>(signal)) != 0) {
    return last_error("resume");
  }
  return {};
}

Status TracedTask::resume_to_syscall(int signal) const {
  if (trace(PTRACE_SYSCALL, tid_, 0, static_cast<std::uintptr_t>(signal)) != 0) {
    return last_error("resume to the next system call");
  }
  return {};
}

Status TracedTask::stay_stopped() const {
  if (trace(PTRACE_LISTEN, tid_, 0, 0) != 0) return last_error("leave a thread stopped");
  return {};
}

Status TracedTask::let_go() const {
  if (trace(PTRACE_DETACH, tid_, 0, 0) != 0) return last_error("detach");
  return {};
}

Result<std::string> TracedTask::read(std::uint64_t address, std::size_t size) const {
  std::string bytes;
  while (bytes.size() < size) {
    errno = 0;
    const long word = trace(PTRACE_PEEKDATA, tid_, address + bytes.size(), 0);
    if (errno != 0) return last_error("read a thread's memory");
    bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  bytes.resize(size);
  return bytes;
}

Status TracedTask::write(std::uint64_t address, std::string_view bytes) const {
  constexpr std::size_t kWord = sizeof(std::uintptr_t);
  const std::size_t size = (bytes.size() + kWord - 1) / kWord * kWord;
  std::string words = TRY(read(address, size));
  words.replace(0, bytes.size(), bytes);
  for (std::size_t done = 0; done < size; done += kWord) {
    std::uintptr_t word = 0;
    std::memcpy(&word, words.data() + done, kWord);
    if (trace(PTRACE_POKEDATA, tid_, address + done, word) != 0) {
      return last_error("write a thread's memory");
    }
  }
  return {};
}

void TracedTask::kill() const { ::kill(tid_, SIGKILL); }

bool TracedTask::is_at(const Halt& halt) const {
  constexpr int kEvents = 0x100;  // the code of a ptrace event is this at least
  siginfo_t info{};
  if (trace(PTRACE_GETSIGINFO, tid_, 0, address_of(&info)) != 0) return false;
  if (halt.kind == Halt::Kind::syscall) return info.si_code == kSyscallTrap;
  return halt.kind == Halt::Kind::signalled && info.si_signo == halt.signal &&
         info.si_code < kEvents;
}

Result<std::uint64_t> TracedTask::event_message() const {
  unsigned long message = 0;
  if (trace(PTRACE_GETEVENTMSG, tid_, 0, address_of(&message)) != 0) {
    return last_error("read a ptrace event");
  }
  return std::uint64_t{message};
}

Result<std::uint64_t> stack_pointer_of(pid_t tid) {
  user_regs_struct registers{};
  if (trace(PTRACE_GETREGS, tid, 0, address_of(&registers)) != 0) {
    return last_error("read the stack pointer");
  }
  return static_cast<std::uint64_t>(registers.rsp);
}

seccomp_data call_of(const user_regs_struct& registers) {
  return {static_cast<int>(registers.orig_rax),
          AUDIT_ARCH_X86_64,
          registers.rip,
          {registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9}};
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
  registers.rip -= kSyscallInstruction.size();
  registers.r9 = cookie;
  return registers;
}

user_regs_struct as_execve(user_regs_struct registers, std::uint64_t path, std::uint64_t argv,
                           std::uint64_t envp) {
  registers.orig_rax = SYS_execve;
  registers.rdi = path;
  registers.rsi = argv;
  registers.rdx = envp;
  return registers;
}

bool clones_untraced(const user_regs_struct& registers) {
  const seccomp_data call = call_of(registers);
  return call.nr == SYS_clone && (call.args[0] & CLONE_UNTRACED) != 0;
}

user_regs_struct as_traced_clone(user_regs_struct registers) {
  registers.rdi &= ~std::uint64_t{CLONE_UNTRACED};
  return registers;
}

user_regs_struct as_page(user_regs_struct registers, std::uint64_t address) {
  registers.rax = SYS_mmap;
  registers.orig_rax = ~0ULL;
  registers.rdi = address;
  registers.rsi = kPageSize;
  registers.rdx = PROT_READ;
  registers.r10 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  registers.r8 = ~0ULL;
  registers.r9 = 0;
  return registers;
}

user_regs_struct as_close(user_regs_struct registers, int fd) {
  registers.rdi = static_cast<unsigned long long>(fd);
  registers.rax = SYS_close;
  registers.orig_rax = ~0ULL;
  registers.rip -= kSyscallInstruction.size();
  return registers;
}

user_regs_struct as_returned(user_regs_struct registers, std::int64_t result) {
  registers.rax = static_cast<unsigned long long>(result);
  registers.orig_rax = ~0ULL;
  return registers;
}

user_regs_struct as_ended(user_regs_struct registers, std::int64_t result) {
  constexpr std::int64_t kFirst = -512;  // -ERESTARTSYS
  constexpr std::int64_t kLast = -516;   // -ERESTART_RESTARTBLOCK, include/linux/errno.h
  if (result > kFirst || result < kLast) return as_returned(registers, result);
  return as_repeated(registers, static_cast<int>(registers.orig_rax), registers.r9);
}

std::int64_t result_of(const user_regs_struct& registers) {
  return static_cast<std::int64_t>(registers.rax);
}

void set_socket_register(user_regs_struct& registers, int fd) {
  registers.rbx = static_cast<unsigned long long>(fd);
}

}  // namespace os
