// `agent-init policy check|explain`: what a policy file says, without a session.
#pragma once

#include <span>

namespace init {

/// Runs the command whose words follow `policy` (so the first is `check` or `explain`). Prints to
/// stdout, problems to stderr. Returns the exit status: 0 ok, 1 the file is invalid, 2 usage.
int policy_command(std::span<char*> words);

}  // namespace init
