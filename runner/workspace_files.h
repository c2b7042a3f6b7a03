// The user's trees as a session sees them, and what in them makes a tool on the host run something.
#pragma once

#include <sys/types.h>

#include <map>
#include <span>
#include <string>
#include <vector>

#include "os/fd.h"
#include "os/result.h"

namespace runner {

inline constexpr char kGitAttributes[] = "git-attributes";
inline constexpr char kGitConfig[] = "git-config";
inline constexpr char kGitDir[] = "git-dir";
inline constexpr char kGitHook[] = "git-hook";
inline constexpr char kHostTool[] = "host-tool";
inline constexpr char kNotAllLookedAt[] = "not-all-looked-at";

/// One of the user's directories: a worktree, or the repository of a linked one.
struct WorkspaceRoot {
  std::string inside;  // where the session sees it, `/workspace`
  bool repository = false;
};

/// A git config file.
struct ConfigFile {
  enum class State { absent, text, odd };  // odd: no regular file, a link, or too long
  State state = State::absent;
  std::string text;
  bool operator==(const ConfigFile&) const = default;
};

/// Any other file that is looked at.
struct CheckedFile {
  std::string what;    // the word of the event, kGitHook or one of the others
  std::string digest;  // of its content; of a package.json, of its scripts
  bool operator==(const CheckedFile&) const = default;
};

/// What there is at one moment, by path inside the session. Plain data. A directory that cannot be
/// listed is among the files: what is in it is not known.
struct WorkspaceFiles {
  std::map<std::string, ConfigFile> configs;
  std::map<std::string, CheckedFile> files;
  bool complete = true;  // false: there was more than is looked at
};

/// Open roots, which stay what they are when the tree around them is gone. Everything below them is
/// hostile: no link is followed, none of them is left, and all that is read is bounded.
class WorkspaceView {
 public:
  /// `tree` is `/` of a mount tree that has the roots, O_PATH. ENOENT, ENOTDIR: a root is missing.
  static os::Result<WorkspaceView> open(int tree, std::span<const WorkspaceRoot> roots);

  const std::vector<WorkspaceRoot>& roots() const { return roots_; }

  /// What a process that uses this view keeps open.
  std::vector<int> descriptors() const;

  /// Opens a path inside the session that lies in one of the roots; ENOENT for any other.
  os::Result<os::Fd> open_path(const std::string& path, int flags) const;

  ConfigFile read_config(const std::string& path) const;

  /// Everything: repositories, their submodules and linked worktrees, files that these configs
  /// include, hooks, and what tools on the host would run, down to three directories deep.
  WorkspaceFiles survey() const;

 private:
  std::vector<WorkspaceRoot> roots_;
  std::vector<os::Fd> open_;
};

}  // namespace runner
