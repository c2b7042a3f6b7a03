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
  // One slot of the shared mapping, given back at the end of its walk; at first also a turn to
  // receive into it.
  class SlotLease {
   public:
    explicit SlotLease(NotifyEngine& engine);  // waits for both
    SlotLease(SlotLease&& other) noexcept : engine_(other.engine_), index_(other.index_) {
      other.engine_ = nullptr;
    }
    SlotLease(const SlotLease&) = delete;
    SlotLease& operator=(const SlotLease&) = delete;
    SlotLease& operator=(SlotLease&&) = delete;
    ~SlotLease();
    seccomp_notif& notification() const;
    void end_turn();

   private:
    NotifyEngine* engine_;
    std::size_t index_;
  };
  class Call;

  Context& context_;
  ExecTrap& trap_;
  // Each exec wakes everybody who waits in RECV (Linux 6.6 and later), on the caller's CPU. Two
  // wait, so that one is left when the other is busy, and nobody needs waking to take the place.
  static constexpr int kReceivers = 2;

  std::mutex slots_mutex_;
  std::condition_variable turn_;
  std::array<bool, kSlots> slot_used_{};
  int receiving_ = 0;
};

}  // namespace runner
