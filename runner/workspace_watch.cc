#include "runner/workspace_watch.h"

#include <chrono>

#include "audit/actions.h"
#include "os/creds.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/ready_set.h"
#include "os/text.h"

namespace runner {
namespace {

// A git command makes a dozen notices: they are looked at together.
constexpr int kBatchMilliseconds = 20;

GuardSettings settings_of(const Session& session) {
  GuardSettings settings;
  settings.uid = session.task_uid;
  settings.gid = session.task_uid;
  settings.undo = session.policy->undo_git_config;
  return settings;
}

os::Status record(const audit::Client& audit, const WorkspaceChange& change, bool at_end) {
  return audit.record(audit::workspace_changed(
      {change.path, change.what, change.key, change.value, change.how, change.undone, at_end}));
}

void record_all(const audit::Client& audit, const std::vector<WorkspaceChange>& changes) {
  for (const WorkspaceChange& change : changes) {
    const os::Status done = record(audit, change, false);
    if (!done.ok()) os::report(done.error().text());
  }
}

}  // namespace

os::Status note_workspace(Session& session, int task_root, std::span<const WorkspaceRoot> roots) {
  const os::FsUser user = TRY(os::FsUser::enter(session.task_uid, session.task_uid));
  session.workspace = TRY(WorkspaceView::open(task_root, roots));
  session.workspace_at_start = session.workspace.survey();
  return {};
}

void watch_workspace(const Session& session, const audit::Client& audit, std::mutex& busy) {
  GitGuard guard(settings_of(session), session.workspace, session.workspace_at_start);
  if (const os::Status watching = guard.watch(); !watching.ok()) {
    os::report(
        os::join("git's configuration is compared only at the end: ", watching.error().text()));
    return;
  }
  // What changed while no runner lived, then what is noticed.
  for (bool first = true;; first = false) {
    {
      const std::lock_guard hold(busy);
      record_all(audit, first ? guard.look_again() : guard.on_readable());
    }
    while (!os::wait_readable(guard.descriptor())) continue;
    os::pause_for_milliseconds(kBatchMilliseconds);
  }
}

os::Result<std::vector<WorkspaceChange>> check_workspace(const Session& session,
                                                         const audit::Client& audit) {
  GitGuard guard(settings_of(session), session.workspace, session.workspace_at_start);
  std::vector<WorkspaceChange> changes = TRY(guard.finish());
  for (const WorkspaceChange& change : changes) TRY(record(audit, change, true));
  return changes;
}

}  // namespace runner
