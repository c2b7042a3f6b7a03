// What a session leaves in the user's tree that git or another tool on the host would run: noted
// before the CLI runs, compared when everything of the session has ended.
#pragma once

#include "init/live.h"
#include "os/result.h"

namespace init {

/// After the task tree stands and before the CLI runs. The directories are opened here, because
/// the tree ends with agent-sandbox.
os::Status note_workspace(const HostSide& host, Live& live);

/// When no process of the session is left: records each difference, and prints them where the user
/// asked for a summary. Takes at most kCheckLimit; what cannot be done is recorded and reported.
void check_workspace(Live& live);

inline constexpr std::chrono::seconds kCheckLimit{10};

}  // namespace init
