// Turns a thread that waits in execve into another program, without writing a byte of its memory.
#pragma once

#include <cstdint>
#include <functional>

#include "os/fd.h"
#include "os/listener.h"
#include "runner/exec_copy.h"

namespace runner {

enum class Redirected {
  done,     // the new program is about to run its first instruction
  refused,  // the exec failed and the caller has its errno
  gone,     // the caller died, or was interrupted before anything happened
  killed,   // another program than the one intended had been loaded; it never ran
};

struct Redirect {
  Redirected how = Redirected::gone;
  std::uint64_t signal_mask = 0;  // the caller's own, before the exec
};

/// The caller executes agent-relay with its own argv and envp (so that it is the kernel that says
/// E2BIG), all signals blocked, and `socket` in the register that relay_start.cc reads.
/// The walk is in docs/exec-path.md.
Redirect become_relay(os::Pending pending, const TaskFiles& files, const ExecCopy& copy, int relay,
                      os::FileId relay_id, int socket);

/// The caller executes what it asked for. `verify` is called with the tid of the new image before
/// its first instruction; false kills it.
Redirect become_itself(os::Pending pending, const std::function<bool(pid_t)>& verify);

}  // namespace runner
