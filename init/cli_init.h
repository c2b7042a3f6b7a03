// cli-init: pid 1 of the CLI's own pid namespace. Starts the CLI, reaps, and cleans up behind it.
#pragma once

#include "init/cli_launch.h"
#include "init/trees.h"

namespace init {

/// How long processes that outlive the CLI may take to end when they are told to.
inline constexpr int kDrainMilliseconds = 2000;

/// The life of the first process of the CLI's pid namespace: builds the CLI's tree, starts the CLI
/// and waits for its end; then TERM to the rest, time to end, KILL. Reports `ended`. SIGTERM
/// shortens the wait. Returns the exit code.
int run_cli_init(const SessionMounts& mounts, CliStart start);

}  // namespace init
