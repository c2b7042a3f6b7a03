#include "runner/notify_engine.h"

#include <algorithm>
#include <memory>

#include "os/creds.h"
#include "os/listener.h"
#include "runner/redirect.h"

namespace runner {

// The lease goes last: its slot is free only when the Pending has answered.
class NotifyEngine::Call : public TrappedCall {
 public:
  Call(Context& context, SlotLease lease)
      : context_(context),
        lease_(std::move(lease)),
        pending_(context.channels.listener, lease_.notification()),
        tid_(static_cast<pid_t>(lease_.notification().pid)) {}

  std::unique_ptr<TrappedCall> keep() override { return std::make_unique<Call>(std::move(*this)); }
  pid_t tid() const override { return tid_; }
  const seccomp_data& data() const override { return lease_.notification().data; }
  bool still_valid() const override { return pending_.still_valid(); }
  void refuse(int code) override { std::move(pending_).refuse(code); }
  Redirect become_relay(const ExecCopy& copy, const os::Fd& socket) override {
    return runner::become_relay(
        std::move(pending_), context_.files, copy,
        {context_.channels.relay, context_.relay_id, socket.get(), context_.session.cli_uid});
  }
  Redirect become_itself(const std::function<bool(pid_t)>& verify) override {
    return runner::become_itself(std::move(pending_), context_.files, verify);
  }

 private:
  Context& context_;
  SlotLease lease_;
  os::Pending pending_;
  pid_t tid_;
};

NotifyEngine::SlotLease::SlotLease(NotifyEngine& engine) : engine_(&engine), index_(0) {
  std::unique_lock lock(engine.slots_mutex_);
  const auto free_slot = [&] {
    auto& used = engine.slot_used_;
    index_ = static_cast<std::size_t>(std::find(used.begin(), used.end(), false) - used.begin());
    return index_ < used.size();
  };
  engine.turn_.wait(lock, [&] { return engine.receiving_ < kReceivers && free_slot(); });
  engine.slot_used_[index_] = true;
  ++engine.receiving_;
}

NotifyEngine::SlotLease::~SlotLease() {
  if (engine_ == nullptr) return;
  const std::lock_guard lock(engine_->slots_mutex_);
  engine_->slot_used_[index_] = false;
  if (engine_->receiving_ == 0) engine_->turn_.notify_one();
}

void NotifyEngine::SlotLease::end_turn() {
  const std::lock_guard lock(engine_->slots_mutex_);
  if (--engine_->receiving_ == 0) engine_->turn_.notify_one();
}

seccomp_notif& NotifyEngine::SlotLease::notification() const {
  return engine_->context_.channels.slots->slot[index_].notification;
}

os::Status NotifyEngine::run() {
  const auto as_task = TRY(os::FsUser::enter(context_.session.task_uid, context_.session.task_uid));
  for (;;) {
    SlotLease lease(*this);
    const auto received = os::receive(context_.channels.listener, lease.notification());
    lease.end_turn();
    TRY(received);
    Call call(context_, std::move(lease));
    trap_.walk(call);
  }
}

}  // namespace runner
