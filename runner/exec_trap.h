// The exec trap: receives what the filter traps and walks each exec to its end. It routes; what
// holds a command is the sandbox (docs/threat-model.md).
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>

#include "runner/context.h"
#include "runner/slots.h"

namespace runner {

class ExecTrap {
 public:
  explicit ExecTrap(Context& context) : context_(context) {}

  /// A worker's whole work: receive and walk, one exec at a time, until the listener fails.
  os::Status run();

 private:
  // One slot of the shared mapping, given back at the end of its walk.
  class SlotLease {
   public:
    explicit SlotLease(ExecTrap& trap);
    SlotLease(SlotLease&& other) noexcept : trap_(other.trap_), index_(other.index_) {
      other.trap_ = nullptr;
    }
    SlotLease(const SlotLease&) = delete;
    SlotLease& operator=(const SlotLease&) = delete;
    SlotLease& operator=(SlotLease&&) = delete;
    ~SlotLease();
    seccomp_notif& notification() const;

   private:
    ExecTrap* trap_;
    std::size_t index_;
  };
  struct Walk;

  void walk(SlotLease lease);
  void go_on(Walk walk);
  void wait_for_answer(Walk walk);
  void run_command(Walk walk);
  void run_itself(Walk walk);
  bool is_own(os::FileId file) const;
  // Does the path lead to one of the CLI's own programs, and is it used as the policy allows?
  bool names_own_file(const ExecCopy& copy, pid_t caller) const;
  bool used_as_own(const ExecCopy& copy, const std::vector<std::string>& argv,
                   const std::vector<std::string>& env) const;
  bool verify_itself(pid_t tid, const ExecCopy& copy) const;

  Context& context_;
  std::mutex slots_mutex_;
  std::condition_variable slot_freed_;
  std::array<bool, kSlots> slot_used_{};
};

}  // namespace runner
