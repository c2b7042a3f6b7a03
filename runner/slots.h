// Where received notifications are kept, so that PID 1 can answer what a dead runner cannot.
#pragma once

#include <linux/seccomp.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "os/fd.h"
#include "os/result.h"

namespace runner {

/// One notification: the kernel writes it here before RECV returns, so a kill -9 of the runner at
/// any instruction leaves its id behind. id 0 = free.
struct alignas(64) Slot {
  seccomp_notif notification;
};

inline constexpr unsigned kSlots = 64;

/// Lives in memory shared by PID 1 and every incarnation of the runner.
struct Slots {
  std::array<Slot, kSlots> slot;
  std::atomic<std::uint64_t> next_exec_id{1};  // of the session's events, whoever writes them
};

/// Maps a zeroed Slots, shared with children. Lives as long as the process.
os::Result<Slots*> map_slots();

/// PID 1, after the runner's death: answers every used slot with `error` (an errno value) and
/// frees it. Returns how many notifications still waited.
unsigned answer_all(Slots& slots, int listener, int error);

}  // namespace runner
