// How agentuser and agentcli both come to own the user's tree, and how the user gets it back.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "os/fd.h"
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
};

/// The workspace, decided before the container exists. dirs[0] is the workspace itself; a linked
/// git worktree adds its repository, at the repository's own path.
struct Workspace {
  std::vector<UserDir> dirs;
  std::vector<std::string> read_only;  // git files inside that no side may change
  std::vector<os::FileId> kept;  // way acl: files that were agentuser's or agentcli's uid before
};

/// Host side, root: finds the way for `dir` by trying, and takes it (way acl: sets the entries).
/// EINVAL, ENOTDIR: not a directory; ENOTSUP: no way, the text names the remedy.
os::Result<Workspace> prepare_workspace(const std::string& dir);

/// Host side, after the last process of the session is gone. Way acl: gives files the session made
/// to the workspace's owner and removes the entries. Otherwise does nothing.
os::Status hand_back_workspace(const Workspace& workspace);

}  // namespace init
