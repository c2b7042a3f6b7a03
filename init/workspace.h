// How agentuser and agentcli both come to own the user's tree, and how the user gets it back.
#pragma once

#include <linux/capability.h>
#include <sys/types.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "init/git_files.h"
#include "init/workspace_acl.h"
#include "os/result.h"

namespace init {

/// How a directory that both identities write is made writable, best first.
enum class Way {
  idmap,   // each sees its owner's files as its own, by an idmapped mount
  shared,  // the filesystem lets both write already (Docker Desktop)
  acl,     // POSIX ACL entries for both; owners are handed back at the end
};
std::string_view way_name(Way way);

/// One directory of the user's that is mounted for both identities.
struct UserDir {
  std::string host;    // absolute path on the host, symbolic links resolved
  std::string inside;  // where the session sees it
  uid_t uid = 0;       // its owner on the host
  gid_t gid = 0;
  Way way = Way::idmap;
  std::vector<GitFile> git_files;  // what no side may change, or move away
  AclRecord acl;                   // way acl: what was there before
  bool again = false;              // dirs[0] once more, at another path
};

/// The workspace, decided before the container exists. dirs[0] is the workspace itself; a linked
/// git worktree adds its repository, at the path its .git file names, and the worktree once more at
/// the path that the repository has for it: git takes a worktree that is not there for gone.
struct Workspace {
  std::vector<UserDir> dirs;
};

/// Whose eyes look for git's files: root may look everywhere, but in a container it has no power
/// over permissions, and what is its owner's alone would stay unseen.
enum class FoundBy { root, owner };

/// Host side, root: finds the way for `dir` by trying, and takes it (way acl: sets the entries).
/// `idmap` false: as on a machine without idmapped mounts. ENOENT, ENOTDIR, EINVAL: not a directory
/// to work in; ENOTSUP: no way, and the text names the remedy.
os::Result<Workspace> prepare_workspace(const std::string& dir, bool idmap = true,
                                        FoundBy found_by = FoundBy::root);

/// Host side, after the last process of the session is gone. Way acl: gives files the session made
/// to the workspace's owner and puts the lists back. Otherwise does nothing. Goes on after an error
/// and returns the first. Calls `visited`, if there is one, for each entry.
os::Status hand_back_workspace(const Workspace& workspace,
                               const std::function<void()>& visited = {});

/// What it needs: to give away what agentuser and agentcli made, to write its lists, and to pass
/// directories that they have closed.
inline constexpr std::array<int, 3> kGiveBack{CAP_CHOWN, CAP_FOWNER, CAP_DAC_OVERRIDE};

}  // namespace init
