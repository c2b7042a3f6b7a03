// The keeper of a terminal, and the words between it and the processes that serve its commands;
// see runner/terminal.h.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace runner::sandbox {

enum TerminalWord : std::uint32_t {
  // To the keeper; kJoin, kForeground, kStopped and kEnded are answered.
  kJoin = 1,    // caller, caller_group, value: 1 in the foreground. Answer: value is the group
  kStarted,     // value: the group
  kForeground,  // value: 1 or 0
  kStopped,     // value: the signal. Answer: value is 1 if others must stop with it
  kEnded,       // value: the signal that killed it, or 0
  kSize,
  kAnswer,  // from the keeper
  kRaise,   // from the keeper, unasked; value: a signal that the relay `caller` sends to the
            // callers' process group, and that commands have had from the pty
};

struct TerminalNote {
  std::uint32_t word;
  std::int32_t value;
  std::int32_t caller;
  std::int32_t caller_group;
};

/// Forks a process for one command. True in the child, with its line to the keeper in `link`.
bool fork_member(int& link);

/// The keeper's life. `line`: where sockets of commands that move here come from. Ends the process
/// when its last child has ended; returns in each child, with `link` as above and the socket by
/// which its command comes in `arrival`.
void keep(int line, int& link, int& arrival);

}  // namespace runner::sandbox
