// Engine notify: turns a thread that waits for the listener's answer into another program, without
// writing a byte of its memory.
#pragma once

#include <sys/types.h>

#include <functional>

#include "os/fd.h"
#include "os/listener.h"
#include "runner/exec_copy.h"
#include "runner/trapped_call.h"

namespace runner {

/// What the caller is given.
struct RelayParts {
  int program;  // agent-relay, O_RDONLY
  os::FileId program_id;
  int socket;
  uid_t user;  // the caller's
};

/// The caller executes agent-relay with its own argv and envp (so that it is the kernel that says
/// E2BIG), all signals blocked, and the socket in the register that relay_start.cc reads.
/// The walk is in docs/exec-path.md.
Redirect become_relay(os::Pending pending, const TaskFiles& files, const ExecCopy& copy,
                      const RelayParts& parts);

/// The caller executes what it asked for. `verify` is called with the tid of the new image before
/// its first instruction; false kills it.
Redirect become_itself(os::Pending pending, const TaskFiles& files,
                       const std::function<bool(pid_t)>& verify);

}  // namespace runner
