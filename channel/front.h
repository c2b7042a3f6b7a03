// What the caller waits for: the process that hands signals to a session's host end, joins the
// user's terminal with the CLI's, and exits as the CLI did.
#pragma once

#include "channel/session_dir.h"
#include "os/fd.h"

namespace channel {

/// `host_end`: a connected socket of the session's host end. Signals are blocked. Returns the CLI's
/// exit status; 0 when the user has detached, 125 when the host end is lost.
int run_front(const SessionState& state, os::Fd host_end);

}  // namespace channel
