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
  std::string what;   // git-config, git-hook, git-attributes, git-dir, host-tool
  std::string key;    // of git-config; empty: the file as a whole
  std::string value;  // what the key was set to
  bool undone = false;
  auto operator<=>(const WorkspaceChange&) const = default;
};

struct GuardSettings {
  int tree = -1;  // `/` of a mount tree with the roots, O_PATH; borrowed
  std::vector<WorkspaceRoot> roots;
  uid_t uid = 1000;  // whoever the files belong to in that tree: we act on them as this user
  gid_t gid = 1000;
  bool undo = false;  // take back new keys of git's configuration
};

/// The state at the session's start, before anything of it runs.
os::Result<WorkspaceFiles> survey_workspace(const GuardSettings& settings);

/// One thread's. No git is executed, no link is followed, no more than a fixed amount is read.
class GitGuard {
 public:
  /// `at_start` is borrowed for the guard's life. A machine that has no inotify watch left gives a
  /// guard that finds everything at the end: watching() is false.
  static os::Result<GitGuard> start(const GuardSettings& settings, const WorkspaceFiles& at_start);

  bool watching() const { return watching_; }
  int descriptor() const { return notices_.descriptor(); }

  /// Call when descriptor() is readable: the changes of git's configuration since the last call.
  /// Each is returned once, at most kMostChanges during a session: the rest waits for finish().
  std::vector<WorkspaceChange> on_readable();

  /// The same without a notice: for changes that came before start().
  std::vector<WorkspaceChange> look_again();

  /// Call when no process of the session is left: what differs from the start, in the order of
  /// paths, keys that were returned before included.
  std::vector<WorkspaceChange> finish();

  static constexpr std::size_t kMostChanges = 256;

 private:
  enum class When { running, finished };

  GitGuard(GuardSettings settings, WorkspaceView view, const WorkspaceFiles& at_start)
      : settings_(std::move(settings)), view_(std::move(view)), at_start_(&at_start) {}

  void watch_configs();
  void watch_directory(const std::string& path, bool content);
  bool concerns_us(const os::FileNotice& notice);
  std::vector<WorkspaceChange> compare(const std::string& path, const ConfigFile& now, When when);
  bool restore(const std::string& path, const ConfigFile& now, const std::string& text, When when);
  const ConfigFile& config_at_start(const std::string& path) const;

  GuardSettings settings_;
  WorkspaceView view_;
  const WorkspaceFiles* at_start_;
  os::FileNotices notices_;
  bool watching_ = false;
  std::map<int, std::string> watches_;  // number: directory
  std::set<std::string> configs_;       // that are compared while the session runs
  std::set<WorkspaceChange> returned_;
};

}  // namespace runner
