#include "runner/trace_engine.h"

#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "os/creds.h"
#include "os/log.h"
#include "os/socket.h"
#include "os/text.h"
#include "runner/sandbox_protocol.h"

namespace runner {
namespace {

constexpr std::uint64_t kBlockAll = ~0ULL;

// Where every program of the CLI has the relay's path: below all that a linker, the kernel or an
// allocator places, above the 64 KiB that nobody may map (vm.mmap_min_addr).
constexpr std::uint64_t kPathPage = 0x100000;

bool stops_a_group(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

bool is_exec(const user_regs_struct& registers) {
  const int number = os::call_of(registers).nr;
  return number == SYS_execve || number == SYS_execveat;
}

}  // namespace

void TraceEngine::answer(TracedExec& exec, Redirect redirect) {
  const std::lock_guard lock(exec.mutex);
  exec.answer = redirect;
  exec.answered.notify_one();
}

os::Status TraceEngine::trace(int halts) {
  const auto as_task = TRY(os::FsUser::enter(context_.session.task_uid, context_.session.task_uid));
  TRY(os::seize_tree(context_.session.cli, context_.session.trace_as));
  TRY(os::send_message(context_.channels.attached, "attached"));
  for (;;) {
    take_wishes();
    take_held();
    const auto halted = os::next_halt();
    if (!halted.ok()) {
      close();
      return halted.error();
    }
    if (halted.value()) {
      on_halt(*halted.value());
    } else {
      os::await_halts(halts);
    }
  }
}

void TraceEngine::take_wishes() {
  std::vector<TracedExecRef> wishes = std::exchange(postponed_, {});
  {
    const std::lock_guard lock(wishes_mutex_);
    wishes.insert(wishes.end(), wishes_.begin(), wishes_.end());
    wishes_.clear();
  }
  for (const TracedExecRef& exec : wishes) {
    if (execs_.heir_to(exec->tid)) {
      postponed_.push_back(exec);
    } else {
      start_wish(exec);
    }
  }
}

void TraceEngine::take_held() {
  for (const os::TracedHalt& halted : std::exchange(held_, {})) on_halt(halted);
}

void TraceEngine::close() {
  std::vector<TracedExecRef> left = std::exchange(postponed_, {});
  {
    const std::lock_guard lock(wishes_mutex_);
    closed_ = true;
    left.insert(left.end(), wishes_.begin(), wishes_.end());
    wishes_.clear();
  }
  for (const TracedExecRef& exec : left) answer(*exec, {});
  const std::lock_guard lock(trapped_mutex_);
  no_more_ = true;
  has_trapped_.notify_all();
}

// A request that fails means that the task was killed: its end is the next that is heard of it.
void TraceEngine::on_halt(os::TracedHalt halted) {
  const os::Halt::Kind kind = halted.halt.kind;
  if (kind == os::Halt::Kind::gone) return on_gone(halted.tid);
  if (kind != os::Halt::Kind::executed) {
    if (const TracedExecRef heir = execs_.heir_to(halted.tid)) return hold(halted, *heir);
  }
  const os::TracedTask task(halted.tid);
  if (new_.contains(halted.tid)) return on_halt_of_new(task, halted.halt);
  switch (kind) {
    case os::Halt::Kind::gone:
      return;
    case os::Halt::Kind::seccomp:
      return on_trapped(task);
    case os::Halt::Kind::executed:
      return on_executed(task);
    case os::Halt::Kind::syscall:
      return on_failed(task);
    case os::Halt::Kind::born:
      return static_cast<void>(task.resume().ok());
    case os::Halt::Kind::stopped: {
      const bool stays = stops_a_group(halted.halt.signal);
      return static_cast<void>((stays ? task.stay_stopped() : task.resume()).ok());
    }
    case os::Halt::Kind::signalled:
      return static_cast<void>(task.resume(halted.halt.signal).ok());
  }
}

// Whoever has the number now may have another program than at this halt, so nothing is done before
// the end of the exec. Only where the heir has come into the number can this be his own halt: an
// exec that fails so late returns, and ends by SIGSEGV.
void TraceEngine::hold(os::TracedHalt halted, const TracedExec& heir) {
  if (os::is_thread_of(heir.tid, halted.tid)) return held_.push_back(halted);
  const os::TracedTask task(halted.tid);
  if (task.is_at(halted.halt)) static_cast<void>(task.resume(halted.halt.signal).ok());
}

void TraceEngine::on_trapped(const os::TracedTask& task) {
  const auto registers = task.registers();
  if (!registers.ok()) return;
  if (!is_exec(registers.value())) {
    // What is no clone is a filter that the CLI installed itself; natively it has no tracer to ask.
    const auto answer = os::clones_untraced(registers.value())
                            ? os::as_traced_clone(registers.value())
                            : os::as_returned(registers.value(), -ENOSYS);
    if (task.set_registers(answer).ok()) {
      static_cast<void>(task.resume().ok());
    }
    return;
  }
  const auto group = context_.files.group(task.tid());
  if (!group.ok()) {
    os::report(group.error().text());
    if (task.set_registers(os::as_returned(registers.value(), -EIO)).ok()) {
      static_cast<void>(task.resume().ok());
    }
    return;
  }
  const auto exec = std::make_shared<TracedExec>();
  exec->tid = task.tid();
  exec->group = group.value();
  exec->registers = registers.value();
  exec->data = os::call_of(registers.value());
  execs_.add(exec);
  if (!std::exchange(started_, true)) {
    // The CLI's own exec, by code of ours.
    exec->wish = Wish::pass;
    start_wish(exec);
    return;
  }
  {
    const std::lock_guard lock(trapped_mutex_);
    trapped_.push_back(exec);
  }
  has_trapped_.notify_one();
}

void TraceEngine::start_wish(const TracedExecRef& exec) {
  if (exec->gone) return answer(*exec, {});
  if (exec->wish == Wish::refuse) {
    const os::TracedTask task(exec->tid);
    execs_.drop(exec);
    if (task.set_registers(os::as_returned(exec->registers, -exec->code)).ok()) {
      static_cast<void>(task.resume().ok());
    }
    return;
  }
  execs_.start(exec);
  static_cast<void>(start_exec(*exec));  // if it fails, on_gone() answers
}

// All signals are blocked: none is delivered between here and the new program.
bool TraceEngine::start_exec(TracedExec& exec) {
  const os::TracedTask task(exec.tid);
  const auto mask = task.signal_mask();
  if (!mask.ok()) return false;
  exec.signal_mask = mask.value();
  if (!task.set_signal_mask(kBlockAll).ok()) return false;
  if (exec.wish == Wish::relay) {
    const auto prepared = os::as_execve(exec.registers, kPathPage, exec.argv, exec.envp);
    if (!task.set_registers(prepared).ok()) return false;
  }
  return task.resume_to_syscall().ok();
}

// The call has returned: no program was loaded.
void TraceEngine::on_failed(const os::TracedTask& task) {
  if (const TracedExecRef exec = execs_.take_returned(task.tid())) {
    const auto now = task.registers();
    if (now.ok()) {
      static_cast<void>(
          task.set_registers(os::as_ended(exec->registers, os::result_of(now.value()))).ok());
      static_cast<void>(task.set_signal_mask(exec->signal_mask).ok());
    }
    answer(*exec, {Redirected::refused, exec->signal_mask});
  }
  static_cast<void>(task.resume().ok());
}

// The thread that executes takes the leader's number; the others are gone. A program that was
// loaded by an exec that nobody let run does not run either.
void TraceEngine::on_executed(const os::TracedTask& task) {
  const auto former = task.event_message();
  const TracedExecRef exec =
      execs_.take_executed(task.tid(), former.ok() ? static_cast<pid_t>(former.value()) : 0);
  on_gone(task.tid());  // an exec of the former leader, if it had one under way
  if (!exec) return task.kill();
  answer(*exec, finish(task, *exec));
}

Redirect TraceEngine::finish(const os::TracedTask& task, TracedExec& exec) {
  if (exec.wish == Wish::relay) {
    if (hand_over(task, exec)) return {Redirected::done, exec.signal_mask};
  } else if (exec.wish == Wish::pass || (exec.wish == Wish::itself && exec.verify(task.tid()))) {
    if (give_path(task, exec.signal_mask)) return {Redirected::done, exec.signal_mask};
  }
  task.kill();
  return {Redirected::killed, 0};
}

// What was loaded is the relay, or it does not run: a sibling thread may have put another path
// into the page. The relay is traced no more; whatever it would execute is ENOSYS.
bool TraceEngine::hand_over(const os::TracedTask& task, TracedExec& exec) {
  const auto image = context_.files.id(task.tid(), "exe");
  if (!image.ok() || image.value() != context_.relay_id) return false;
  auto registers = task.registers();
  if (!registers.ok()) return false;
  os::set_socket_register(registers.value(), kSocketToFetch);
  if (!task.set_registers(registers.value()).ok()) return false;
  if (!context_.relay_ends.put(task.tid(), std::move(exec.socket)).ok()) return false;
  return task.let_go().ok();
}

// From here on nobody waits for it: a program that never comes to its next halt keeps nobody else.
bool TraceEngine::give_path(const os::TracedTask& task, std::uint64_t signal_mask) {
  const os::PageGift page(kPathPage, std::string_view(kRelayPath, sizeof kRelayPath));
  new_.insert_or_assign(task.tid(), New{page, signal_mask});
  return task.resume_to_syscall().ok();
}

// Its signals are blocked but for SIGSTOP. What else there is comes of others that write into its
// memory, or of a filter of the CLI's own.
void TraceEngine::on_halt_of_new(const os::TracedTask& task, os::Halt halt) {
  using Kind = os::Halt::Kind;
  if (halt.kind == Kind::syscall && go_on_giving(task)) return;
  if (halt.kind == Kind::stopped) {
    const bool stays = stops_a_group(halt.signal);
    return static_cast<void>((stays ? task.stay_stopped() : task.resume_to_syscall()).ok());
  }
  if (halt.kind == Kind::signalled && halt.signal == SIGSTOP) {
    return static_cast<void>(task.resume_to_syscall(SIGSTOP).ok());
  }
  new_.erase(task.tid());
  task.kill();
}

bool TraceEngine::go_on_giving(const os::TracedTask& task) {
  New& program = new_.at(task.tid());
  const auto given = program.page.at_syscall(task);
  if (!given.ok()) {
    if (given.error().code == ESRCH) return false;  // killed
    os::report(os::join("a program of the CLI: ", given.error().text()));
    return false;
  }
  if (!given.value()) return task.resume_to_syscall().ok();
  const std::uint64_t mask = program.signal_mask;
  new_.erase(task.tid());
  return task.set_signal_mask(mask).ok() && task.resume().ok();
}

void TraceEngine::on_gone(pid_t tid) {
  new_.erase(tid);
  std::erase_if(held_, [&](const os::TracedHalt& halted) { return halted.tid == tid; });
  for (const TracedExecRef& exec : execs_.take_gone(tid)) {
    exec->gone = true;
    answer(*exec, {});
  }
}

}  // namespace runner
