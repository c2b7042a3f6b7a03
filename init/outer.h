// The host's side of `agent-init run`: everything outside the container of engine local.
#pragma once

#include <span>

#include "init/host_side.h"

namespace init {

/// Runs one session from the words that follow `run`: prepares the workspace, makes the container,
/// passes signals on to it, hands the workspace back. Returns the session's exit status: the
/// CLI's, 128+n for a signal, 125 when it did not start.
int run_command(std::span<char*> words, const Inherited& inherited);

}  // namespace init
