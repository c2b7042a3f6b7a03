// What agent-auditd and every sender of events share: one page of counters.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "audit/actions.h"
#include "os/result.h"

namespace audit {

/// Lives in memory mapped before the first fork; survives the death of any one process.
struct SharedState {
  /// The errno for which the log cannot take records now; 0: it can. Set by agent-auditd only.
  std::atomic<int> unwritable{0};
  /// The number of the next record of this session, from 1 on, whoever sends it.
  std::atomic<std::uint64_t> next_number{1};
  /// Events that offer() dropped, and records that record() refused.
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<std::uint64_t> refused{0};
  /// How many of these the log has been told of, in records `events-dropped`.
  std::atomic<std::uint64_t> dropped_reported{0};
  std::atomic<std::uint64_t> refused_reported{0};
  /// How many of each action were sent, in the order of all_actions(). A sender that is killed
  /// between sending and counting leaves its last one out.
  std::array<std::atomic<std::uint64_t>, kActions> sent{};
  void count_one(std::string_view action);
  /// The count of one action; 0 for one that nobody defined.
  std::uint64_t count(std::string_view action) const;
  /// True once a first agent-auditd has opened the log: an unfinished line is ours from then on.
  std::atomic<bool> opened{false};
};

/// Maps a fresh SharedState, shared with children. Lives as long as the process. mmap(2).
os::Result<SharedState*> map_shared_state();

}  // namespace audit
