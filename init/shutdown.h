// The end of a session: every process of it goes, in an order in which nothing is lost.
#pragma once

#include "init/live.h"
#include "init/supervisor.h"

namespace init {

/// After the CLI's side is gone: tells what commands left behind to end and kills what does not,
/// stops the runner, looks at what is left in the workspace, records the end, lets agent-auditd
/// finish, kills and reaps all that is left. Takes at most kShutdownLimit, milliseconds if nothing
/// lingers.
void shut_down(Live& live, const Ending& ending);

inline constexpr std::chrono::seconds kShutdownLimit{19};

}  // namespace init
