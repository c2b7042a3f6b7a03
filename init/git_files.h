// Which files of a git repository no side of a session may change: what git on the host would run,
// where it would look for a repository, and what belongs to worktrees outside the session.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/result.h"

namespace init {

/// A path below a directory of the user's.
struct GitFile {
  std::string path;
  bool read_only = true;  // false: only pinned, so that it cannot be renamed and made anew
};

/// What exists of hooks, info/attributes and the gitdir pointers of worktrees and submodules, of
/// the repository whose worktree is `root`, and the directories on the way to them. In the order in
/// which mounts go there. What git keeps of linked worktrees outside the session, which has its own
/// at `workspace`, is read-only as a whole. No link is followed. E2BIG: more than can be mounted
/// for every command.
os::Result<std::vector<GitFile>> find_git_files(int root, const std::string& workspace);

/// The same for a directory that is itself a repository, `main/.git` of the linked worktree `name`.
os::Result<std::vector<GitFile>> find_repository_files(int repository, const std::string& workspace,
                                                       const std::string& name);

/// The repository of a linked worktree.
struct LinkedRepository {
  std::string host;    // its directory, links resolved
  std::string inside;  // where a worktree at `inside_worktree` expects it
  std::string name;    // the worktree's in it
};

/// What the .git file of `worktree`, an absolute host path without links, leads to. Nothing unless
/// the other side names this worktree too: a .git file alone, from an archive say, could name any
/// directory of the user's.
std::optional<LinkedRepository> linked_repository(const std::string& worktree,
                                                  const std::string& inside_worktree);

// Pure parts.

/// `X` of `gitdir: X`.
std::optional<std::string> gitdir_of(std::string_view git_file);

/// The value of `worktree` in a repository's config file.
std::optional<std::string> worktree_of(std::string_view config);

/// `base` and `path` as one path without `.` and `..`; an absolute `path` stands for itself.
std::string normal_path(const std::string& base, const std::string& path);

}  // namespace init
