// The workers' side of engine trace.
#include <cerrno>
#include <utility>

#include "os/creds.h"
#include "os/tracer.h"
#include "runner/trace_engine.h"

namespace runner {

class TraceEngine::Call : public TrappedCall {
 public:
  Call(TraceEngine& engine, TracedExecRef exec) : engine_(engine), exec_(std::move(exec)) {}
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
  // A number is given to no other process before the tracer has reaped its thread, and where
  // another thread has taken it the wish counts no more.
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
  TracedExecRef exec_;
};

os::Status TraceEngine::work() {
  const auto as_task = TRY(os::FsUser::enter(context_.session.task_uid, context_.session.task_uid));
  for (TracedExecRef exec = next_exec(); exec; exec = next_exec()) {
    Call call(*this, std::move(exec));
    trap_.walk(call);
  }
  return {};
}

TracedExecRef TraceEngine::next_exec() {
  std::unique_lock lock(trapped_mutex_);
  has_trapped_.wait(lock, [&] { return no_more_ || !trapped_.empty(); });
  if (trapped_.empty()) return nullptr;
  TracedExecRef exec = std::move(trapped_.front());
  trapped_.pop_front();
  return exec;
}

Redirect TraceEngine::ask(const TracedExecRef& exec) {
  const bool waits = exec->wish != Wish::refuse;
  {
    const std::lock_guard lock(wishes_mutex_);
    if (closed_) return {};
    wishes_.push_back(exec);
  }
  os::wake_tracer();
  if (!waits) return {Redirected::refused, 0};
  std::unique_lock lock(exec->mutex);
  exec->answered.wait(lock, [&] { return exec->answer.has_value(); });
  return *exec->answer;
}

}  // namespace runner
