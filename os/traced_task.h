// What a tracer can ask of one halted thread. ptrace(2).
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "os/result.h"

namespace os {

/// How a traced thread came to a halt.
struct Halt {
  enum class Kind {
    gone,       // it has ended and been reaped
    seccomp,    // its filter gave the call to the tracer
    executed,   // a new program is loaded, none of its instructions has run
    syscall,    // at the entry or exit of a system call
    born,       // it has made another thread or process, which is traced as well
    stopped,    // by its group's stop, or to tell that it is attached or goes on
    signalled,  // a signal is about to be delivered
  };
  Kind kind;
  int signal = 0;  // signalled, stopped: which; SIGTRAP for a stop that is none of the group's

  /// From the status of waitpid(2).
  static Halt from_wait(int status);
};

/// A thread that is traced by the calling thread; every call must come from there. Borrows the
/// thread: nothing happens to it at the end. ESRCH: it was killed, or is not halted.
class TracedTask {
 public:
  explicit TracedTask(pid_t tid) : tid_(tid) {}

  pid_t tid() const { return tid_; }

  Result<user_regs_struct> registers() const;
  Status set_registers(const user_regs_struct& registers) const;
  Result<std::uint64_t> signal_mask() const;
  Status set_signal_mask(std::uint64_t mask) const;

  /// Runs on to the next halt; `resume_to_syscall` also halts at the entry or exit of the next
  /// system call. `signal` is delivered first (0: none).
  Status resume(int signal = 0) const;
  Status resume_to_syscall(int signal = 0) const;
  /// Stays stopped with its group, until a SIGCONT.
  Status stay_stopped() const;
  /// Runs on and is traced no more.
  Status let_go() const;

  Result<std::string> read(std::uint64_t address, std::size_t size) const;
  /// Writes into its memory, whatever the protection of the mapping.
  Status write(std::uint64_t address, std::string_view bytes) const;
  /// SIGKILL to its process, which is still to be waited for.
  void kill() const;
  /// Whether it is in such a halt now, at a system call or for a signal; false for other kinds.
  bool is_at(const Halt& halt) const;
  /// What PTRACE_GETEVENTMSG says of the halt.
  Result<std::uint64_t> event_message() const;

 protected:
  pid_t tid_;
};

/// The stack pointer of a halted tracee of this thread.
Result<std::uint64_t> stack_pointer_of(pid_t tid);

/// The system call that a thread halted by its seccomp filter is about to make.
seccomp_data call_of(const user_regs_struct& registers);

/// Makes a halted thread repeat its system call as
/// `execveat(fd, empty_path, argv, envp, AT_EMPTY_PATH)` with `cookie` as sixth argument.
/// `empty_path` is the address of a NUL byte: the one that ends the caller's own path string.
user_regs_struct as_execveat(user_regs_struct registers, int fd, std::uint64_t empty_path,
                             std::uint64_t argv, std::uint64_t envp, std::uint64_t cookie);
/// Makes it repeat system call `number` with unchanged arguments and `cookie` as sixth one.
user_regs_struct as_repeated(user_regs_struct registers, int number, std::uint64_t cookie);
/// Turns the call it is about to make into execve(path, argv, envp).
user_regs_struct as_execve(user_regs_struct registers, std::uint64_t path, std::uint64_t argv,
                           std::uint64_t envp);
/// Whether it is about to make a process or thread that would not be traced (CLONE_UNTRACED), and
/// the same call without that.
bool clones_untraced(const user_regs_struct& registers);
user_regs_struct as_traced_clone(user_regs_struct registers);
/// Makes it map one private page that can only be read, at `address` exactly, by the `syscall`
/// instruction at its program counter.
user_regs_struct as_page(user_regs_struct registers, std::uint64_t address);
/// Makes it call close(fd).
user_regs_struct as_close(user_regs_struct registers, int fd);
/// The registers with which the original call returns `result` to the caller. At a halt by the
/// seccomp filter the call is not made.
user_regs_struct as_returned(user_regs_struct registers, std::int64_t result);
std::int64_t result_of(const user_regs_struct& registers);
/// The registers with which it goes on after the call, which other registers than these made, ended
/// with `result`: it returns that, or, where the kernel means to start the call again (ERESTARTSYS
/// and the like, which no program knows), makes it again.
user_regs_struct as_ended(user_regs_struct registers, std::int64_t result);
/// The register that survives into a new program and tells the relay its socket (rbx).
void set_socket_register(user_regs_struct& registers, int fd);

/// The bytes of the instruction that makes a system call.
inline constexpr std::string_view kSyscallInstruction = "\x0f\x05";

}  // namespace os
