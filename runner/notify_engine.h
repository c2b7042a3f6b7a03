// Engine notify: execs arrive at the listener of a seccomp filter with user notification.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "runner/context.h"
#include "runner/exec_trap.h"
#include "runner/slots.h"

namespace runner {

class NotifyEngine {
 public:
  NotifyEngine(Context& context, ExecTrap& trap) : context_(context), trap_(trap) {}

  /// A worker's whole work: receive and walk, one exec at a time, until the listener fails. EPIPE:
  /// no process of the CLI is left.
  os::Status run();

 private:
  // One slot of the shared mapping, given back at the end of its walk.
  class SlotLease {
   public:
    explicit SlotLease(NotifyEngine& engine);
    SlotLease(SlotLease&& other) noexcept : engine_(other.engine_), index_(other.index_) {
      other.engine_ = nullptr;
    }
    SlotLease(const SlotLease&) = delete;
    SlotLease& operator=(const SlotLease&) = delete;
    SlotLease& operator=(SlotLease&&) = delete;
    ~SlotLease();
    seccomp_notif& notification() const;

   private:
    NotifyEngine* engine_;
    std::size_t index_;
  };
  class Call;

  Context& context_;
  ExecTrap& trap_;
  std::mutex slots_mutex_;
  std::condition_variable slot_freed_;
  std::array<bool, kSlots> slot_used_{};
};

}  // namespace runner
