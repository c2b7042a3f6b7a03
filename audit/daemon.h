// agent-auditd: the only writer of a session's event log.
#pragma once

#include <sys/types.h>

#include <string>

#include "audit/shared_state.h"

namespace audit {

inline constexpr char kLogPath[] = "/run/agent-task-runner/events.log";
inline constexpr mode_t kLogMode = 0640;

/// Everything is borrowed.
struct DaemonConfig {
  int socket = -1;                  // the second end of make_channel()
  SharedState* state = nullptr;     // the mapping that the senders use too
  std::string session;              // id: becomes `subject` and `source` of every line
  std::string log_path = kLogPath;  // made with kLogMode; its directory belongs to our uid
  // A copy of every line, as written: a file outside, opened O_RDWR|O_APPEND|O_CREAT, or a pipe.
  // It is as binding as the log: a copy that cannot be written makes record() fail. One session at
  // a time writes it (flock). A line may come twice in a pipe when we are killed. -1: none.
  int copy = -1;
  pid_t owner = 1;  // the only process whose Client::finish() is obeyed
};

/// Runs until Client::finish(); returns an exit code. The caller has forked, blocked all signals,
/// become agentaudit, and starts another one when this one dies: nothing is lost, nothing is
/// written twice.
///
/// Each message is peeked, its line written, then the message is taken from the queue. A new
/// incarnation cuts off a line that a crash left unfinished (its message still waits) and skips a
/// message whose line is already there.
///
/// Room is reserved ahead of the log (fallocate) for everything that can be in the queue. When
/// that fails, or a write does, SharedState::unwritable is set and the daemon tries again until it
/// works; meanwhile record() fails and nothing that must be recorded happens.
///
/// The log lies on a tmpfs: it outlives every process, not the machine, and is never synced. The
/// copy is synced (fdatasync) at most once a second and at the end: a power cut costs the last
/// second of it.
int run_auditd(const DaemonConfig& config);

}  // namespace audit
