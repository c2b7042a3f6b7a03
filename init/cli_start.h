// PID 1's side of starting the vendor CLI.
#pragma once

#include <optional>

#include "init/live.h"
#include "os/listener.h"
#include "os/result.h"

namespace init {

/// Forks cli-init and waits until the CLI's process is confined; fills `live.cli`. The process then
/// waits for send_go().
std::optional<Failure> start_cli(const HostSide& host, Live& live);

/// Takes the CLI's own first exec, which must come from the process that PID 1 let go: its code is
/// still ours, so what it asks for is what the session wants, and the answer is to proceed. Call
/// when the listener is readable. `slot` outlives the Pending. EPERM: somebody else was first, and
/// was refused. EPIPE: the process is gone.
os::Result<os::Pending> receive_first_exec(const CliSide& cli, seccomp_notif& slot);

}  // namespace init
