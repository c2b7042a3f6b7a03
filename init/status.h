// What `supervisorctl` is told of a session.
#pragma once

#include <vector>

#include "init/control_protocol.h"
#include "init/live.h"

namespace init {

/// A service's place in the table.
struct ServiceFacts {
  const os::Child* child = nullptr;
  std::chrono::steady_clock::time_point started;
  unsigned restarts = 0;
};

/// Processes first, then protections, then shared mounts.
std::vector<ControlRecord> status_records(const Live& live, const ServiceFacts& auditd,
                                          const ServiceFacts& runner);

}  // namespace init
