// Watches what a session does to the files of its workspace that make tools on the host run
// something: git's configuration while the session runs, everything else at its end.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "os/file_notices.h"
#include "os/result.h"
#include "runner/git_config.h"
#include "runner/workspace_files.h"

namespace runner {

/// One difference that matters.
struct WorkspaceChange {
  std::string path;   // inside the session
  std::string what;   // a word of workspace_files.h
  std::string key;    // of git-config; empty: the file as a whole
  std::string value;  // what the key was set to
  bool undone = false;
  std::string how;  // new, changed, removed; empty for not-all-looked-at
  // NOLINTNEXTLINE(modernize-use-nullptr): a zero in what the compiler writes
  auto operator<=>(const WorkspaceChange&) const = default;
};

struct GuardSettings {
  uid_t uid = 1000;  // whoever the files belong to in the view: we act on them as this user
  gid_t gid = 1000;
  bool undo = false;  // take back new keys of git's configuration
};

/// One thread's. No git is executed, no link is followed, no more than a fixed amount is read.
class GitGuard {
 public:
  /// `view` and `at_start` are borrowed for the guard's life.
  GitGuard(GuardSettings settings, const WorkspaceView& view, const WorkspaceFiles& at_start)
      : settings_(settings), view_(view), at_start_(at_start) {}

  /// Begins to notice. Fails where the machine has no inotify watch left; then only finish() finds
  /// something. Needs /proc.
  os::Status watch();

  int descriptor() const { return notices_.descriptor(); }

  /// Call when descriptor() is readable: the changes of git's configuration since the last call.
  /// Each is returned once, at most kMostChanges during a session: the rest waits for finish().
  std::vector<WorkspaceChange> on_readable();

  /// The same without a notice: for changes that came before watch().
  std::vector<WorkspaceChange> look_again();

  /// Call when no process of the session is left: what differs from the start, in the order of
  /// paths, keys that were returned before included; of each kind at most kMostChanges, and that
  /// there were more.
  os::Result<std::vector<WorkspaceChange>> finish();

  static constexpr std::size_t kMostChanges = 256;

 private:
  enum class When { running, finished };

  os::Status watch_directory(const std::string& path, bool content);
  bool concerns_us(const os::FileNotice& notice);
  std::vector<WorkspaceChange> compare(const std::string& path, const ConfigFile& now, When when);
  bool restore(const std::string& path, const ConfigFile& now, const std::string& text, When when);
  void compare_files(const WorkspaceFiles& now, std::set<WorkspaceChange>& changes) const;
  const ConfigFile& config_at_start(const std::string& path) const;

  GuardSettings settings_;
  const WorkspaceView& view_;
  const WorkspaceFiles& at_start_;
  os::FileNotices notices_;
  std::map<int, std::string> watches_;  // number: directory
  std::set<std::string> configs_;       // that are compared while the session runs
  std::set<WorkspaceChange> returned_;
};

}  // namespace runner
