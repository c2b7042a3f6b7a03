#include "init/workspace_check.h"

#include <cerrno>
#include <csignal>
#include <vector>

#include "audit/actions.h"
#include "init/users.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/text.h"
#include "runner/workspace_watch.h"

namespace init {
namespace {

using Changes = std::vector<runner::WorkspaceChange>;

constexpr std::size_t kMostNamed = 20;  // in one line of the summary
constexpr std::size_t kMostOfName = 256;

// A path below /workspace without it, as the user knows it.
std::string shown(const std::string& path) {
  const std::string workspace = os::join(kWorkspace, "/");
  return os::printable(path.starts_with(workspace) ? path.substr(workspace.size()) : path,
                       kMostOfName);
}

std::string described(const runner::WorkspaceChange& change) {
  const std::string key =
      change.key.empty() ? "" : os::join(" ", os::printable(change.key, kMostOfName));
  const std::string how = change.how.empty() ? "" : os::join(" (", change.how);
  return os::join(shown(change.path), key, how, change.undone ? ", undone" : "",
                  how.empty() ? "" : ")");
}

void print(std::string_view what, const Changes& changes, bool incomplete) {
  std::string names;
  std::size_t found = 0;
  for (const runner::WorkspaceChange& change : changes) {
    if ((change.what == runner::kNotAllLookedAt) != incomplete || ++found > kMostNamed) continue;
    names += os::join(names.empty() ? " " : ", ", described(change));
  }
  if (found == 0) return;
  const std::string more = found > kMostNamed ? os::join(" and ", found - kMostNamed, " more") : "";
  os::report(os::join(what, names, more));
}

void print_summary(const Changes& changes, std::uint64_t while_running) {
  if (while_running != 0) {
    os::report(
        os::join("git's configuration was given keys that run something while the session "
                 "ran: ",
                 while_running, " events"));
  }
  print("files that run something on the host changed:", changes, false);
  print("not everything was looked at in:", changes, true);
}

int check(const Live& live) {
  os::set_process_name("agent-check");
  const std::uint64_t while_running = live.audit_state->count("workspace-changed");
  const auto changes = runner::check_workspace(live.runner_session, *live.audit);
  if (!changes.ok()) {
    os::report(changes.error().text());
    return 1;
  }
  if (live.host->options.summary) print_summary(changes.value(), while_running);
  return 0;
}

// A child, because it reads what commands wrote.
os::Status run_check(const Live& live) {
  os::Child child = TRY(os::Child::start(0, [&] { return check(live); }));
  const bool ended = os::wait_readable(child.pidfd(), kCheckLimit);
  if (!ended) TRY(child.signal(SIGKILL));
  const os::ExitStatus status = TRY(child.wait());
  if (!ended) return os::Error{ETIMEDOUT, "look at all of it"};
  if (status != os::ExitStatus{false, 0}) return os::Error{ECHILD, status.text()};
  return {};
}

}  // namespace

os::Status note_workspace(const HostSide& host, Live& live) {
  std::vector<runner::WorkspaceRoot> roots;
  // The first is the worktree; a linked one is followed by its repository.
  for (const UserDir& directory : host.workspace.dirs) {
    if (!directory.again) roots.push_back({directory.inside, !roots.empty()});
  }
  return runner::note_workspace(live.runner_session, live.task_root.get(), roots);
}

void check_workspace(Live& live) {
  const os::Status checked = run_check(live);
  if (checked.ok()) return;
  os::report(os::join("what the session changed for tools on the host is not known: ",
                      checked.error().text()));
  audit::WorkspaceChanged unknown;
  unknown.path = kWorkspace;
  unknown.what = runner::kNotAllLookedAt;
  unknown.at_end = true;
  const os::Status recorded = live.audit->record(audit::workspace_changed(unknown));
  if (!recorded.ok()) os::report(recorded.error().text());
}

}  // namespace init
