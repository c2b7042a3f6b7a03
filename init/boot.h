// PID 1's way from an empty container to a CLI that has been let go.
#pragma once

#include <optional>

#include "init/live.h"

namespace init {

/// Goes through the stages in order; each is done, or its daemon is ready, before the next begins.
/// On success the CLI's process is confined and about to execute the CLI. Nothing needs to be
/// undone after a failure: the end of PID 1 ends whatever has been started.
std::optional<Failure> boot(const HostSide& host, Live& live);

}  // namespace init
