// One thread of the CLI, traced for the moment in which its exec is redirected. ptrace(2).
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>

#include "os/result.h"

namespace os {

/// How a traced thread came to a halt.
struct Halt {
  enum class Kind { gone, seccomp, executed, syscall, stopped, signalled };
  Kind kind;
  int signal = 0;  // for `signalled`: the one about to be delivered
};

/// A seized thread. The calling thread is its tracer: every call must come from it, it may have no
/// other tracee, and it gets no other child (waits are __WALL|__WNOTHREAD). A Tracee that is
/// dropped while attached is killed: a half-redirected caller must not run on.
class Tracee {
 public:
  /// PTRACE_SEIZE with EXITKILL, TRACEEXEC, TRACESECCOMP and TRACESYSGOOD, then PTRACE_INTERRUPT.
  static Result<Tracee> seize(pid_t tid);

  Tracee(Tracee&& other) noexcept : tid_(other.tid_) { other.tid_ = 0; }
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;
  Tracee& operator=(Tracee&&) = delete;
  ~Tracee();

  /// Waits for the next halt. After an exec by a thread that is not the leader the tid becomes the
  /// leader's. Kind::gone ends the Tracee: it has been reaped.
  Halt wait();

  Result<user_regs_struct> registers() const;
  Status set_registers(const user_regs_struct& registers) const;
  Result<std::uint64_t> signal_mask() const;
  Status set_signal_mask(std::uint64_t mask) const;

  /// Runs on to the next halt; `resume_to_syscall` also halts at the entry or exit of the next
  /// system call. `signal` is delivered first (0: none).
  Status resume(int signal = 0) const;
  Status resume_to_syscall(int signal = 0) const;

  pid_t tid() const { return tid_; }
  Status detach();
  /// SIGKILL and reap: without the reap the caller's parent would wait for ever.
  void kill();

 private:
  explicit Tracee(pid_t tid) : tid_(tid) {}
  pid_t tid_;
};

/// The stack pointer of a halted tracee of this thread.
Result<std::uint64_t> stack_pointer_of(pid_t tid);

/// Makes the halted thread repeat its system call as
/// `execveat(fd, empty_path, argv, envp, AT_EMPTY_PATH)` with `cookie` as sixth argument.
/// `empty_path` is the address of a NUL byte: the one that ends the caller's own path string.
user_regs_struct as_execveat(user_regs_struct registers, int fd, std::uint64_t empty_path,
                             std::uint64_t argv, std::uint64_t envp, std::uint64_t cookie);
/// Makes it repeat system call `number` with unchanged arguments and `cookie` as sixth one.
user_regs_struct as_repeated(user_regs_struct registers, int number, std::uint64_t cookie);
/// Makes it call close(fd).
user_regs_struct as_close(user_regs_struct registers, int fd);
/// The registers with which the original call returns `result` to the caller.
user_regs_struct as_returned(user_regs_struct registers, std::int64_t result);
std::int64_t result_of(const user_regs_struct& registers);
/// The register that survives into a new program and tells the relay its socket (rbx).
void set_socket_register(user_regs_struct& registers, int fd);

}  // namespace os
