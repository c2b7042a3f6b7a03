// The words of agent-session.
#pragma once

#include <span>

namespace channel {

/// Runs one command of agent-session; signals are blocked. Returns its exit code: the CLI's status,
/// 125 when it did not come to that, 2 for words that cannot be meant.
int session_command(std::span<char*> words);

}  // namespace channel
