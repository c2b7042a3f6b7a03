// The daemons that are forks of PID 1: how one is started, and when it is started again.
#pragma once

#include <chrono>
#include <optional>

#include "init/live.h"
#include "os/child.h"
#include "os/result.h"

namespace init {

/// Forks agent-auditd: uid agentaudit, no capability, no terminal, ends with PID 1.
os::Result<os::Child> start_auditd(const Live& live);

/// Forks agent-task-runnerd: root with PID 1's capabilities, no terminal, ends with PID 1.
os::Result<os::Child> start_runner(const Live& live, int attached = -1);

/// Decides how soon a service that died is started again. One that keeps dying young is given more
/// and more time, and then up.
class RestartLimit {
 public:
  using Duration = std::chrono::milliseconds;

  /// `lived`: from its start to its death. `killed`: by SIGKILL, which is somebody's doing and not
  /// its own, and forgiven longer. The delay before the next start; nothing: give up.
  std::optional<Duration> after_death(Duration lived, bool killed);

  unsigned restarts() const { return restarts_; }

 private:
  unsigned restarts_ = 0;
  unsigned young_deaths_ = 0;
};

}  // namespace init
