// A session's use of the git guard: what is noticed goes to the event log.
#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "audit/client.h"
#include "os/result.h"
#include "runner/daemon.h"
#include "runner/git_guard.h"

namespace runner {

/// PID 1, while the task tree stands and before the CLI runs: fills `session.workspace` and
/// `session.workspace_at_start`. `task_root` is `/` of the task tree.
os::Status note_workspace(Session& session, int task_root, std::span<const WorkspaceRoot> roots);

/// A thread of the runner: records changes of git's configuration as they happen. Returns only when
/// nothing can be watched: what this thread would have found is found at the end. `busy` is held
/// from each look to its records: whoever ends the process takes it first, or a key would be undone
/// and nobody told.
void watch_workspace(const Session& session, const audit::Client& audit, std::mutex& busy);

/// A child of PID 1, when no process of the session is left: records every difference from the
/// start, and returns them.
os::Result<std::vector<WorkspaceChange>> check_workspace(const Session& session,
                                                         const audit::Client& audit);

}  // namespace runner
