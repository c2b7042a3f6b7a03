// What the CLI's tree and the commands' tree have in common.
#pragma once

#include "init/tree.h"
#include "init/trees.h"
#include "os/result.h"

namespace init {

enum class Side { task, cli };

/// The user's directories with the ids of `side`, with `flags` added, and over them the git files
/// that stay as they are.
os::Status add_workspace(const Tree& tree, const SessionMounts& session, Side side,
                         os::MountFlags flags);

/// The vendor's directories, the policy, the runner's socket and agent-task-run.
os::Status add_programs(const Tree& tree, const SessionMounts& session);

}  // namespace init
