#include "runner/trace_engine.h"

#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
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

struct TraceEngine::Exec {
  pid_t tid = 0;
  seccomp_data data{};
  user_regs_struct registers{};  // at the halt
  std::uint64_t signal_mask = 0;
  std::atomic<bool> gone{false};

  Wish wish = Wish::pass;
  int code = 0;            // refuse
  std::uint64_t argv = 0;  // relay
  std::uint64_t envp = 0;
  os::Fd socket;
  std::function<bool(pid_t)> verify;  // itself

  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Redirect> answer;
};

class TraceEngine::Call : public TrappedCall {
 public:
  Call(TraceEngine& engine, ExecRef exec) : engine_(engine), exec_(std::move(exec)) {}
  Call(Call&&) noexcept = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  Call& operator=(Call&&) = delete;
  ~Call() override {
    if (exec_) fail_with(EIO);
  }

  std::unique_ptr<TrappedCall> keep() override { return std::make_unique<Call>(std::move(*this)); }

  pid_t tid() const override { return exec_->tid; }
  const seccomp_data& data() const override { return exec_->data; }
  // A number is given to nobody else before the tracer has reaped its thread.
  bool still_valid() const override { return !exec_->gone; }

  void refuse(int code) override { fail_with(code); }

  Redirect become_relay(const ExecCopy& copy, const os::Fd& socket) override {
    // The relay's, on its way to its socket. Once it is loaded, no errno reaches the caller.
    constexpr std::uint64_t kDescriptors = 2;
    if (!engine_.context_.files.has_room(exec_->tid, kDescriptors)) {
      refuse(EMFILE);
      return {Redirected::refused, 0};
    }
    auto end = os::duplicate(socket.get());
    if (!end.ok()) {
      refuse(end.error().code);
      return {Redirected::refused, 0};
    }
    exec_->wish = Wish::relay;
    exec_->argv = copy.argv;
    exec_->envp = copy.envp;
    exec_->socket = std::move(end).value();
    return engine_.ask(std::exchange(exec_, nullptr));
  }

  Redirect become_itself(const std::function<bool(pid_t)>& verify) override {
    exec_->wish = Wish::itself;
    exec_->verify = verify;
    return engine_.ask(std::exchange(exec_, nullptr));
  }

 private:
  void fail_with(int code) {
    exec_->wish = Wish::refuse;
    exec_->code = code;
    engine_.ask(std::exchange(exec_, nullptr));
  }

  TraceEngine& engine_;
  ExecRef exec_;
};

os::Status TraceEngine::work() {
  const auto as_task = TRY(os::FsUser::enter(context_.session.task_uid, context_.session.task_uid));
  for (ExecRef exec = next_exec(); exec; exec = next_exec()) {
    Call call(*this, std::move(exec));
    trap_.walk(call);
  }
  return {};
}

TraceEngine::ExecRef TraceEngine::next_exec() {
  std::unique_lock lock(trapped_mutex_);
  has_trapped_.wait(lock, [&] { return no_more_ || !trapped_.empty(); });
  if (trapped_.empty()) return nullptr;
  ExecRef exec = std::move(trapped_.front());
  trapped_.pop_front();
  return exec;
}

Redirect TraceEngine::ask(const ExecRef& exec) {
  {
    const std::lock_guard lock(wishes_mutex_);
    if (closed_) return {};
    wishes_.push_back(exec);
  }
  os::wake_tracer();
  if (exec->wish == Wish::refuse) return {Redirected::refused, 0};
  std::unique_lock lock(exec->mutex);
  exec->answered.wait(lock, [&] { return exec->answer.has_value(); });
  return *exec->answer;
}

void TraceEngine::answer(Exec& exec, Redirect redirect) {
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
    for (;;) {
      const auto halted = os::next_halt();
      if (!halted.ok()) {
        close();
        return halted.error();
      }
      if (!halted.value()) break;
      on_halt(*halted.value());
    }
    os::await_halts(halts);
  }
}

void TraceEngine::take_wishes() {
  std::vector<ExecRef> wishes;
  {
    const std::lock_guard lock(wishes_mutex_);
    wishes.swap(wishes_);
  }
  for (const ExecRef& exec : wishes) start_wish(exec);
}

void TraceEngine::close() {
  std::vector<ExecRef> left;
  {
    const std::lock_guard lock(wishes_mutex_);
    closed_ = true;
    left.swap(wishes_);
  }
  for (const ExecRef& exec : left) answer(*exec, {});
  const std::lock_guard lock(trapped_mutex_);
  no_more_ = true;
  has_trapped_.notify_all();
}

// A request that fails means that the task was killed: its end is the next that is heard of it.
void TraceEngine::on_halt(os::TracedHalt halted) {
  const os::TracedTask task(halted.tid);
  switch (halted.halt.kind) {
    case os::Halt::Kind::gone:
      return on_gone(halted.tid);
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
  const auto exec = std::make_shared<Exec>();
  exec->tid = task.tid();
  exec->registers = registers.value();
  exec->data = os::call_of(registers.value());
  execs_[task.tid()] = exec;
  if (!std::exchange(started_, true)) {
    // The CLI's own exec, by code of ours.
    start_wish(exec);
    return;
  }
  {
    const std::lock_guard lock(trapped_mutex_);
    trapped_.push_back(exec);
  }
  has_trapped_.notify_one();
}

void TraceEngine::start_wish(const ExecRef& exec) {
  const os::TracedTask task(exec->tid);
  if (exec->gone) return answer(*exec, {});
  if (exec->wish == Wish::refuse) {
    execs_.erase(exec->tid);
    if (task.set_registers(os::as_returned(exec->registers, -exec->code)).ok()) {
      static_cast<void>(task.resume().ok());
    }
    return;
  }
  static_cast<void>(start_exec(*exec));  // if it fails, on_gone() answers
}

// All signals are blocked: none is delivered between here and the new program.
bool TraceEngine::start_exec(Exec& exec) {
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
  const auto found = execs_.extract(task.tid());
  if (!found.empty()) {
    Exec& exec = *found.mapped();
    const auto now = task.registers();
    if (now.ok()) {
      static_cast<void>(
          task.set_registers(os::as_returned(exec.registers, os::result_of(now.value()))).ok());
      static_cast<void>(task.set_signal_mask(exec.signal_mask).ok());
    }
    answer(exec, {Redirected::refused, exec.signal_mask});
  }
  static_cast<void>(task.resume().ok());
}

// The thread that executes takes the leader's number; the others are gone.
void TraceEngine::on_executed(const os::TracedTask& task) {
  const auto former = task.event_message();
  auto found = execs_.extract(former.ok() ? static_cast<pid_t>(former.value()) : task.tid());
  on_gone(task.tid());  // an exec of the former leader, if it had one under way
  if (found.empty()) return task.kill();
  answer(*found.mapped(), finish(task, *found.mapped()));
}

Redirect TraceEngine::finish(const os::TracedTask& task, Exec& exec) {
  if (exec.wish == Wish::relay) {
    if (hand_over(task, exec)) return {Redirected::done, exec.signal_mask};
  } else if (exec.wish == Wish::pass || exec.verify(task.tid())) {
    if (!give_path(task)) return {};
    if (task.set_signal_mask(exec.signal_mask).ok() && task.resume().ok()) {
      return {Redirected::done, exec.signal_mask};
    }
  }
  task.kill();
  return {Redirected::killed, 0};
}

// What was loaded is the relay, or it does not run: a sibling thread may have put another path
// into the page. The relay is traced no more; whatever it would execute is ENOSYS.
bool TraceEngine::hand_over(const os::TracedTask& task, Exec& exec) {
  const auto image = context_.files.id(task.tid(), "exe");
  if (!image.ok() || image.value() != context_.relay_id) return false;
  auto registers = task.registers();
  if (!registers.ok()) return false;
  os::set_socket_register(registers.value(), kSocketToFetch);
  if (!task.set_registers(registers.value()).ok()) return false;
  if (!context_.relay_ends.put(task.tid(), std::move(exec.socket)).ok()) return false;
  return task.let_go().ok();
}

bool TraceEngine::give_path(const os::TracedTask& task) {
  const auto given =
      os::give_page(task, kPathPage, std::string_view(kRelayPath, sizeof kRelayPath));
  if (given.ok()) return true;
  os::report(os::join("a program of the CLI: ", given.error().text()));
  // If it has ended, it has been reaped.
  if (given.error().code != ESRCH) task.kill();
  return false;
}

void TraceEngine::on_gone(pid_t tid) {
  const auto found = execs_.extract(tid);
  if (found.empty()) return;
  found.mapped()->gone = true;
  answer(*found.mapped(), {});
}

}  // namespace runner
