#include "init/tree_parts.h"

#include <fcntl.h>

#include "init/users.h"
#include "os/creds.h"
#include "os/mounts.h"
#include "os/paths.h"
#include "os/text.h"

namespace init {
namespace {

using os::Depth;
using os::Status;

constexpr os::MountFlags kProgram = os::kReadOnly | os::kNoSuid | os::kNoDev;

// Each file is looked up anew below the directory: the mounts before it may be on the way. Looked
// up as the owner that the directory has in this tree, since root may not enter what is his alone.
Status add_git_files(int directory, const std::vector<GitFile>& files, uid_t owner) {
  const os::FsUser user = TRY(os::FsUser::enter(owner, owner));
  for (const GitFile& file : files) {
    const os::Fd place = TRY(os::open_beneath(directory, file.path, O_PATH | O_NOFOLLOW));
    const os::Fd mount = TRY(os::clone_mount(place.get(), Depth::all));
    if (file.read_only) TRY(os::add_flags(mount.get(), os::kReadOnly, Depth::all));
    TRY_STEP(os::attach_mount_at(mount.get(), place.get()), os::join("protect '", file.path, "'"));
  }
  return {};
}

Status add_user_directory(const Tree& tree, const UserDir& directory, const os::Fd& ids,
                          uid_t owner, os::MountFlags flags) {
  const os::Fd mount = TRY(os::clone_mount(directory.inside, Depth::all));
  if (ids.valid()) TRY(os::map_ids(mount.get(), ids.get(), Depth::all));
  TRY(os::add_flags(mount.get(), flags | os::kNoSuid | os::kNoDev, Depth::all));
  TRY(tree.attach(mount, directory.inside));
  return add_git_files(mount.get(), directory.git_files, owner);
}

}  // namespace

Status add_workspace(const Tree& tree, const SessionMounts& session, Side side,
                     os::MountFlags flags) {
  const std::vector<UserDir>& directories = session.options.workspace->dirs;
  for (std::size_t i = 0; i < directories.size(); ++i) {
    const DirIds& ids = session.dir_ids[i];
    const bool task = side == Side::task;
    TRY_STEP(add_user_directory(tree, directories[i], task ? ids.task : ids.cli,
                                task ? kAgentUser : kAgentCli, flags),
             os::join("show '", directories[i].inside, "'"));
  }
  return {};
}

Status add_programs(const Tree& tree, const SessionMounts& session) {
  for (const std::string& directory : session.options.cli_dirs) {
    if (!is_system_path(directory)) TRY(tree.bind(directory, directory, kProgram));
  }
  TRY(tree.bind(kPolicyDir, kPolicyDir, kProgram));
  TRY(tree.bind(kTaskSocket, kTaskSocket, kProgram | os::kNoExec));
  if (os::kind_of(kTaskRun) == os::Kind::nothing) return {};  // an image has it in /usr
  return tree.bind(kTaskRun, kTaskRun, kProgram);
}

}  // namespace init
