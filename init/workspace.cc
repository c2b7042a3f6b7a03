#include "init/workspace.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "init/tree.h"
#include "init/trees.h"
#include "init/users.h"
#include "os/capabilities.h"
#include "os/creds.h"
#include "os/idmap.h"
#include "os/mounts.h"
#include "os/paths.h"
#include "os/text.h"

namespace init {
namespace {

using os::Depth;
using os::Status;

// The two ids at least are exchanged, so this is the harder of the two views.
bool can_idmap(const UserDir& directory) {
  const os::Result<os::Fd> ids =
      os::make_id_namespace(os::complete_map(os::cli_view(directory.uid, kAgentUser, kAgentCli)),
                            os::complete_map(os::cli_view(directory.gid, kAgentUser, kAgentCli)));
  const os::Result<os::Fd> mount = os::clone_mount(directory.host, Depth::all);
  return ids.ok() && mount.ok() &&
         os::map_ids(mount.value().get(), ids.value().get(), Depth::all).ok();
}

os::Result<os::Fd> unnamed_file(int directory, uid_t id) {
  const os::FsUser user = TRY(os::FsUser::enter(id, id));
  return os::open_at(directory, ".", O_TMPFILE | O_RDWR, 0600);
}

// A file that one makes, for nobody else to write, can be written by the other.
bool both_write_already(const std::string& path) {
  const os::Result<os::Fd> directory = os::open_file(path, O_PATH | O_DIRECTORY);
  if (!directory.ok()) return false;
  const os::Result<os::Fd> made = unnamed_file(directory.value().get(), kAgentUser);
  if (!made.ok() || !unnamed_file(directory.value().get(), kAgentCli).ok()) return false;
  const os::Result<os::FsUser> user = os::FsUser::enter(kAgentCli, kAgentCli);
  return user.ok() && os::open_file(os::join("/proc/self/fd/", made.value().get()), O_RDWR).ok();
}

Status open_by_list(UserDir& directory) {
  const std::string step =
      os::join("share '", directory.host, "' between agentuser and agentcli: ");
  if (!os::has_capabilities(kGiveBack)) {
    return os::Error{EPERM,
                     os::join(step,
                              "it cannot be idmapped here, and a root without CAP_CHOWN, "
                              "CAP_FOWNER and CAP_DAC_OVERRIDE could not give back what they "
                              "make; put it on ext4, xfs or btrfs, or, with a rootless engine, "
                              "use podman by run-agent")};
  }
  os::Result<AclRecord> record = open_to_both(directory.host, directory.uid, directory.gid);
  if (record.ok()) {
    directory.acl = std::move(record).value();
    return {};
  }
  if (record.error().code == EPERM) {
    return os::Error{EPERM, os::join(step,
                                     "it cannot be idmapped here, and its access lists are another "
                                     "user's to change; with a rootless engine, use a directory of "
                                     "your own")};
  }
  return os::Error{ENOTSUP,
                   os::join(step, "its filesystem has neither idmapped mounts nor access lists (",
                            os::errno_name(record.error().code),
                            "); put the workspace on ext4, xfs, btrfs or tmpfs")};
}

Status choose_way(UserDir& directory, bool idmap) {
  if (idmap && can_idmap(directory)) {
    directory.way = Way::idmap;
    return {};
  }
  if (both_write_already(directory.host)) {
    directory.way = Way::shared;
    return {};
  }
  TRY(open_by_list(directory));
  directory.way = Way::acl;
  return {};
}

os::Result<UserDir> user_directory(std::string host, std::string inside) {
  const struct stat info = TRY(os::stat_path(host));
  if (!S_ISDIR(info.st_mode)) return os::Error{ENOTDIR, os::join("use workspace '", host, "'")};
  UserDir directory;
  directory.host = std::move(host);
  directory.inside = std::move(inside);
  directory.uid = info.st_uid;
  directory.gid = info.st_gid;
  return directory;
}

// What of git has to be protected, and the repository of a linked worktree.
Status find_files(Workspace& workspace, FoundBy found_by) {
  UserDir& top = workspace.dirs[0];
  const uid_t uid = found_by == FoundBy::owner ? top.uid : 0;
  const gid_t gid = found_by == FoundBy::owner ? top.gid : 0;
  const os::FsUser user = TRY(os::FsUser::enter(uid, gid));
  const os::Fd root = TRY(os::open_file(top.host, O_PATH | O_DIRECTORY));
  top.git_files = TRY(find_git_files(root.get(), kWorkspace));

  const std::optional<LinkedRepository> linked = linked_repository(top.host, kWorkspace);
  if (!linked) return {};
  if (is_reserved(linked->inside)) {
    return os::Error{EINVAL, os::join("use the worktree's repository '", linked->inside,
                                      "': a session has something else there")};
  }
  UserDir repository = TRY(user_directory(linked->host, linked->inside));
  const os::Fd files = TRY(os::open_file(linked->host, O_PATH | O_DIRECTORY));
  repository.git_files = TRY(find_repository_files(files.get(), kWorkspace, linked->name));
  if (repository.uid == top.uid) workspace.dirs.push_back(std::move(repository));
  return {};
}

}  // namespace

std::string_view way_name(Way way) {
  switch (way) {
    case Way::idmap:
      return "idmap";
    case Way::shared:
      return "shared";
    case Way::acl:
      return "acl";
  }
  return "?";
}

os::Result<Workspace> prepare_workspace(const std::string& dir, bool idmap, FoundBy found_by) {
  const std::string host = TRY_STEP(os::real_path(dir), "use workspace");
  if (host == "/") return os::Error{EINVAL, "use workspace '/': choose a directory to work in"};
  Workspace workspace;
  workspace.dirs.push_back(TRY(user_directory(host, kWorkspace)));
  TRY(find_files(workspace, found_by));
  for (UserDir& directory : workspace.dirs) {
    const Status chosen = choose_way(directory, idmap);
    if (chosen.ok()) continue;
    (void)hand_back_workspace(workspace).ok();
    return chosen.error();
  }
  if (workspace.dirs.size() > 1 && !is_reserved(host)) {
    UserDir again = workspace.dirs[0];
    again.inside = host;
    again.again = true;
    workspace.dirs.push_back(std::move(again));
  }
  return workspace;
}

Status hand_back_workspace(const Workspace& workspace, const std::function<void()>& visited) {
  Status first;
  for (const UserDir& directory : workspace.dirs) {
    if (directory.way != Way::acl || directory.again) continue;
    Status done =
        close_to_both(directory.host, directory.uid, directory.gid, directory.acl, visited);
    if (first.ok() && !done.ok()) first = std::move(done).error().within("hand the workspace back");
  }
  return first;
}

}  // namespace init
