#include "runner/redirect.h"

#include <cerrno>
#include <initializer_list>

#include "os/file_limit.h"
#include "os/filter.h"
#include "os/tracee.h"

namespace runner {
namespace {

constexpr std::uint64_t kBlockAll = ~0ULL;

// A halted caller and what it needs to go on as if nothing had happened.
struct Caller {
  os::Tracee tracee;
  user_regs_struct registers;
  std::uint64_t signal_mask;
};

// Whether this is the halt that the caller was interrupted for: its call has ended to be started
// again.
bool is_in_call(const user_regs_struct& registers, const seccomp_data& data) {
  return registers.rip == data.instruction_pointer && os::call_of(registers).nr == data.nr;
}

// Seizes the caller, lets its system call end, and blocks its signals: none is delivered between
// here and the new program, and no default action can end a relay that has no signalfd yet.
os::Result<Caller> halt(os::Pending pending, const TaskFiles& files) {
  const auto tid = static_cast<pid_t>(pending.notification().pid);
  const seccomp_data data = pending.notification().data;
  auto seized = os::Tracee::seize(tid, files.as());
  if (!seized.ok()) {
    // Somebody else traces it: this exec is not ours to vouch for.
    std::move(pending).refuse(EPERM);
    return std::move(seized).error();
  }
  const bool restarted = std::move(pending).restart();
  os::Tracee tracee = std::move(seized).value();
  const os::Halt halt = tracee.wait();
  if (halt.kind == os::Halt::Kind::gone) return os::Error{ESRCH, "halt the caller"};
  const auto registers = TRY(tracee.registers());
  if (!restarted || halt.kind != os::Halt::Kind::stopped || !is_in_call(registers, data)) {
    // The caller has died, and somebody else has got its number.
    TRY(tracee.detach(halt.kind == os::Halt::Kind::signalled ? halt.signal : 0));
    return os::Error{ESRCH, "halt the caller"};
  }
  const std::uint64_t mask = TRY(tracee.signal_mask());
  TRY(tracee.set_signal_mask(kBlockAll));
  return Caller{std::move(tracee), registers, mask};
}

// Runs the prepared exec up to its end. True: a new program is loaded. False: the call failed and
// the caller is halted at its exit. Error: gone.
os::Result<bool> run_exec(os::Tracee& tracee) {
  TRY(tracee.resume());
  for (;;) {
    const os::Halt halt = tracee.wait();
    switch (halt.kind) {
      case os::Halt::Kind::gone:
        return os::Error{ESRCH, "execute"};
      case os::Halt::Kind::executed:
        return true;
      case os::Halt::Kind::syscall:
        return false;
      case os::Halt::Kind::seccomp:
      case os::Halt::Kind::born:
      case os::Halt::Kind::stopped:
        TRY(tracee.resume_to_syscall());
        break;
      case os::Halt::Kind::signalled:
        TRY(tracee.resume_to_syscall(halt.signal));
        break;
    }
  }
}

// A descriptor in the caller's table. An exec needs no free number, so where there is none below
// the soft limit the hard one counts.
os::Result<int> give(const os::Pending& pending, int fd, bool closes, uid_t user) {
  auto number = pending.add_fd(fd, closes);
  if (number.ok() || number.error().code != EMFILE) return number;
  const auto caller = static_cast<pid_t>(pending.notification().pid);
  const auto raised = os::RaisedFileLimit::raise(caller, user);
  if (!raised.ok()) return number;
  return pending.add_fd(fd, closes);
}

os::Status close_in_caller(os::Tracee& tracee, const user_regs_struct& registers, int fd) {
  TRY(tracee.set_registers(os::as_close(registers, fd)));
  int signal = 0;                    // SIGSTOP, or what ends an exec that failed too late to return
  for (int halts = 0; halts < 2;) {  // the entry and the exit of close(2)
    TRY(tracee.resume_to_syscall(signal));
    const os::Halt halt = tracee.wait();
    if (halt.kind == os::Halt::Kind::gone) return os::Error{ESRCH, "close in the caller"};
    if (halt.kind == os::Halt::Kind::syscall) ++halts;
    signal = halt.kind == os::Halt::Kind::signalled ? halt.signal : 0;
  }
  return {};
}

// Gives the caller its errno, and takes back what we put into its descriptor table.
Redirect let_fail(Caller caller, std::int64_t result, std::initializer_list<int> installed) {
  for (const int fd : installed) {
    if (fd >= 0 && !close_in_caller(caller.tracee, caller.registers, fd).ok()) return {};
  }
  if (!caller.tracee.set_registers(os::as_ended(caller.registers, result)).ok() ||
      !caller.tracee.set_signal_mask(caller.signal_mask).ok() || !caller.tracee.detach().ok()) {
    return {};
  }
  return {Redirected::refused, caller.signal_mask};
}

Redirect kill(os::Tracee tracee) {
  tracee.kill();
  return {Redirected::killed, 0};
}

}  // namespace

Redirect become_relay(os::Pending pending, const TaskFiles& files, const ExecCopy& copy,
                      const RelayParts& parts) {
  // CLOEXEC for the program file, so that the relay does not inherit itself.
  const auto relay_fd = give(pending, parts.program, true, parts.user);
  if (!relay_fd.ok()) {
    std::move(pending).refuse(relay_fd.error().code);
    return {Redirected::refused, 0};
  }
  const auto socket_fd = give(pending, parts.socket, false, parts.user);
  auto halted = halt(std::move(pending), files);
  if (!halted.ok()) return {};
  Caller caller = std::move(halted).value();
  if (!socket_fd.ok()) {
    return let_fail(std::move(caller), -socket_fd.error().code, {relay_fd.value()});
  }
  // The NUL that ends the caller's own path serves as the empty path: nothing is written.
  const auto prepared = os::as_execveat(caller.registers, relay_fd.value(), copy.path_end,
                                        copy.argv, copy.envp, os::kCookie);
  if (!caller.tracee.set_registers(prepared).ok()) return {};
  const auto loaded = run_exec(caller.tracee);
  if (!loaded.ok()) return {};
  if (!loaded.value()) {
    const auto now = caller.tracee.registers();
    if (!now.ok()) return {};
    return let_fail(std::move(caller), os::result_of(now.value()),
                    {relay_fd.value(), socket_fd.value()});
  }
  // A sibling thread may have changed the path or the descriptor: tests/exec_path/races.py does.
  const auto image = files.id(caller.tracee.tid(), "exe");
  if (!image.ok() || image.value() != parts.program_id) return kill(std::move(caller.tracee));
  auto registers = caller.tracee.registers();
  if (!registers.ok()) return kill(std::move(caller.tracee));
  os::set_socket_register(registers.value(), socket_fd.value());
  if (!caller.tracee.set_registers(registers.value()).ok()) return kill(std::move(caller.tracee));
  if (!caller.tracee.detach().ok()) return {};
  return {Redirected::done, caller.signal_mask};
}

Redirect become_itself(os::Pending pending, const TaskFiles& files,
                       const std::function<bool(pid_t)>& verify) {
  const int number = pending.notification().data.nr;
  auto halted = halt(std::move(pending), files);
  if (!halted.ok()) return {};
  Caller caller = std::move(halted).value();
  const auto prepared = os::as_repeated(caller.registers, number, os::kCookie);
  if (!caller.tracee.set_registers(prepared).ok()) return {};
  const auto loaded = run_exec(caller.tracee);
  if (!loaded.ok()) return {};
  if (!loaded.value()) {
    const auto now = caller.tracee.registers();
    if (!now.ok()) return {};
    return let_fail(std::move(caller), os::result_of(now.value()), {});
  }
  if (!verify(caller.tracee.tid())) return kill(std::move(caller.tracee));
  if (!caller.tracee.set_signal_mask(caller.signal_mask).ok())
    return kill(std::move(caller.tracee));
  if (!caller.tracee.detach().ok()) return {};
  return {Redirected::done, caller.signal_mask};
}

}  // namespace runner
