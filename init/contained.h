// PID 1 of a container that an engine made from our image: `agent-init container`.
#pragma once

#include <span>

#include "init/host_side.h"

namespace init {

/// Runs one session in this container from the words that follow `container`; its exit status is
/// the container's. EINVAL when this process is not the container's PID 1.
int container_command(std::span<char*> words, const Inherited& inherited);

}  // namespace init
