// Starts agent-sandbox: pid 1 of the commands' pid namespace, inside the commands' tree.
#pragma once

#include "init/trees.h"
#include "os/child.h"
#include "os/fd.h"
#include "os/result.h"

namespace init {

struct Spawner {
  os::Child child;
  os::Fd socket;     // asks it for sandboxes; runner/sandbox_protocol.h
  os::Fd task_root;  // `/` of the commands' tree, O_PATH
};

/// Returns when it is ready for requests.
os::Result<Spawner> start_spawner(const SessionMounts& mounts);

}  // namespace init
