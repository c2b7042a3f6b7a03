#include "runner/workspace_watch.h"

#include <chrono>

#include "audit/actions.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/ready_set.h"

namespace runner {
namespace {

// A git command makes a dozen notices: they are looked at together.
constexpr int kBatchMilliseconds = 20;
constexpr std::chrono::seconds kLongest{10};

GuardSettings settings_of(const Session& session, int task_root) {
  GuardSettings settings;
  settings.tree = task_root;
  settings.roots = session.workspace_roots;
  settings.uid = session.task_uid;
  settings.gid = session.task_uid;
  settings.undo = session.policy->undo_git_config;
  return settings;
}

os::Status record(const audit::Client& audit, const WorkspaceChange& change, bool at_end) {
  return audit.record(audit::workspace_changed(
      {change.path, change.what, change.key, change.value, change.undone, at_end}));
}

}  // namespace

os::Status survey_workspace(Session& session, int task_root) {
  session.workspace_at_start = TRY(survey_workspace(settings_of(session, task_root)));
  return {};
}

void watch_workspace(const Session& session, int task_root, const audit::Client& audit) {
  auto guard = GitGuard::start(settings_of(session, task_root), session.workspace_at_start);
  if (!guard.ok() || !guard.value().watching()) {
    os::report(guard.ok() ? "no inotify watch is left: git's configuration is compared at the end"
                          : guard.error().text());
    return;
  }
  // What changed while no runner lived.
  std::vector<WorkspaceChange> changes = guard.value().look_again();
  for (;;) {
    for (const WorkspaceChange& change : changes) {
      if (const auto done = record(audit, change, false); !done.ok()) {
        os::report(done.error().text());
      }
    }
    if (!os::wait_readable(guard.value().descriptor(), std::chrono::milliseconds(-1))) continue;
    os::pause_for_milliseconds(kBatchMilliseconds);
    changes = guard.value().on_readable();
  }
}

os::Result<std::vector<WorkspaceChange>> check_workspace(const Session& session, int task_root,
                                                         std::span<const int> pidfds,
                                                         const audit::Client& audit) {
  GitGuard guard =
      TRY(GitGuard::start(settings_of(session, task_root), session.workspace_at_start));
  for (const int pidfd : pidfds) {
    if (pidfd >= 0) (void)os::wait_readable(pidfd, kLongest);
  }
  std::vector<WorkspaceChange> changes = guard.finish();
  for (const WorkspaceChange& change : changes) TRY(record(audit, change, true));
  return changes;
}

}  // namespace runner
