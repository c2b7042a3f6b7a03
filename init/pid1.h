// The life of the container's PID 1.
#pragma once

#include "init/live.h"

namespace init {

/// Boots the session, supervises it, ends it; returns its exit status. Everything that runs below
/// this process ends with it.
int run_pid1(const HostSide& host);

}  // namespace init
