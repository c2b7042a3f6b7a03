// The mounts that PID 1 makes for one session; see init/trees.h.

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "init/stage.h"
#include "init/trees.h"
#include "init/users.h"
#include "os/acl.h"
#include "os/creds.h"
#include "os/idmap.h"
#include "os/mountinfo.h"
#include "os/mounts.h"
#include "os/paths.h"
#include "os/text.h"

namespace init {
namespace {

using os::Depth;
using os::Status;

constexpr os::MountFlags kPlain = os::kNoSuid | os::kNoDev;
constexpr os::MountFlags kSecret = kPlain | os::kNoExec;

bool is_component(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

os::Result<dev_t> mount_tmpfs(const std::string& path, const os::TmpfsOptions& options,
                              os::MountFlags flags) {
  const os::Fd mount = TRY(os::new_tmpfs(options, flags));
  TRY(os::attach_mount(mount.get(), path));
  TRY(os::make_private(mount.get()));
  const os::FileId root = TRY(os::file_id(mount.get()));
  return root.dev;
}

// Nothing below such a mount can be bound or cloned into another tree; it can only be moved.
os::Result<dev_t> mount_secret(const std::string& path, os::TmpfsOptions options) {
  options.no_swap = true;
  const os::Fd mount = TRY(os::new_tmpfs(options, kSecret));
  TRY(os::attach_mount(mount.get(), path));
  TRY(os::make_private(mount.get()));
  TRY(os::make_unbindable(mount.get()));
  const os::FileId root = TRY(os::file_id(mount.get()));
  return root.dev;
}

os::Result<dev_t> mount_secret_below_root(const std::string& path,
                                          const os::TmpfsOptions& options) {
  TRY(os::make_directories(path, 0755));
  return mount_secret(path, options);
}

Status mount_run() {
  const std::vector<os::MountEntry> mounts = TRY(os::read_mountinfo());
  const bool mounted = std::any_of(mounts.begin(), mounts.end(), [](const os::MountEntry& entry) {
    return entry.target == "/run" && entry.type == "tmpfs";
  });
  if (!mounted) TRY(mount_tmpfs("/run", {.size = "16m"}, kPlain | os::kNoExec));
  return os::make_directory(kPrivateDir, 0711);  // the owners of trees below pass through
}

Status mount_secrets(SessionMounts& session) {
  const std::string& agent = session.options.agent;
  const os::TmpfsOptions agentcli = {.uid = kAgentCli, .gid = kAgentCli, .mode = 0700};
  os::TmpfsOptions small = agentcli;
  small.size = "16m";
  const auto secret = [&](const std::string& path, const os::TmpfsOptions& options) -> Status {
    const dev_t device = TRY(mount_secret_below_root(path, options));
    session.secret_devs.push_back(device);
    return {};
  };
  TRY(secret(capability_dir(agent), {.mode = 0711, .size = "4m"}));
  TRY(secret(secret_dir(agent), small));
  TRY(secret(data_dir(agent, session.options.session), agentcli));
  TRY(secret(export_dir(agent), agentcli));
  // Root reads the log by its group: PID 1 cannot override permissions.
  return secret(kLogDir, {.uid = kAgentAudit, .mode = 02750});
}

Status mount_cli_home(SessionMounts& session) {
  const os::TmpfsOptions agentcli = {.uid = kAgentCli, .gid = kAgentCli, .mode = 0700};
  const dev_t home = TRY(mount_tmpfs(kHome, agentcli, kSecret));
  session.cli_devs.push_back(home);
  session.structural_devs.push_back(home);
  if (session.options.agent_dir.empty()) return {};
  const std::string own = os::join(kHome, "/", session.options.agent_dir);
  const os::FsUser user = TRY(os::FsUser::enter(kAgentCli, kAgentCli));
  TRY(os::make_directories(own, 0700));
  session.cli_devs.push_back(TRY(mount_secret(own, agentcli)));
  return {};
}

// What is made here and put into the trees later.
Status mount_stage(SessionMounts& session) {
  const auto stage = [](const char* path, const os::TmpfsOptions& options,
                        os::MountFlags flags) -> os::Result<dev_t> {
    TRY(os::make_directory(path, 0700));
    return mount_tmpfs(path, options, flags);
  };
  const os::TmpfsOptions agentuser = {.uid = kAgentUser, .gid = kAgentUser, .mode = 0700};
  os::TmpfsOptions everybody = agentuser;
  everybody.mode = session.swap.valid() ? 01777 : 0777;  // sticky: agentcli could not delete
  TRY(stage(kStagedTaskHome, agentuser, kPlain));
  TRY(stage(kStagedTmp, everybody, kPlain));
  os::TmpfsOptions passable = agentuser;  // PID 1 clones what is in it, as root without power
  passable.mode = 0711;
  TRY(stage(kStagedHandover, passable, kPlain));
  TRY(stage(kStagedTaskRoot, {.size = "16m"}, kPlain));
  session.structural_devs.push_back(TRY(stage(kStagedCliRoot, {.size = "16m"}, kPlain)));
  const os::TmpfsOptions shm = {.uid = kAgentCli, .gid = kAgentCli, .mode = 01777};
  session.cli_devs.push_back(TRY(stage(kStagedCliShm, shm, kSecret)));
  TRY(os::make_directory(kPolicyDir, 0755));
  TRY(mount_tmpfs(kPolicyDir, {.size = "4m"}, kPlain));
  return {};
}

// Where the tmpfs cannot be idmapped both identities get access by list. Run as its owner.
Status open_tmpfs_to_both(const std::string& path) {
  constexpr std::uint16_t kAll = 7;
  const os::Fd directory = TRY(os::open_file(path, O_RDONLY | O_DIRECTORY));
  const struct stat info = TRY(os::stat_fd(directory.get()));
  const os::Acl list = os::grant(os::acl_of_mode(info.st_mode), {kAgentUser, kAgentCli}, kAll);
  TRY(os::write_acl(directory.get(), os::AclKind::access, list));
  return os::write_acl(directory.get(), os::AclKind::initial, list);
}

Status share_tmpfs(SessionMounts& session) {
  const Way way = session.swap.valid() ? Way::idmap : Way::acl;
  const SessionOptions& options = session.options;
  // Whoever stages something passes PID 1's own directory as root; the rest is the owner's.
  const os::Fd handover = TRY(os::open_file(kStagedHandover, O_PATH | O_DIRECTORY));
  const os::Fd tmp = TRY(os::open_file(kStagedTmp, O_PATH | O_DIRECTORY));
  const os::FsUser user = TRY(os::FsUser::enter(kAgentUser, kAgentUser));
  session.ways.push_back({"/tmp", way});
  if (way == Way::acl) TRY(open_tmpfs_to_both(os::join("/proc/self/fd/", tmp.get())));
  for (std::size_t i = 0; i < options.handover.size(); ++i) {
    TRY(os::make_directories(handover.get(), std::to_string(i), 0700));
    if (options.handover[i].access == policy::Access::none) continue;
    const std::string made = os::join("/proc/self/fd/", handover.get(), "/", i);
    if (way == Way::acl) TRY(open_tmpfs_to_both(made));
    session.ways.push_back(
        {os::join(kHome, "/", options.agent_dir, "/", options.handover[i].path), way});
  }
  return {};
}

// An id map where ids differ from what is on disk; none where the owner is seen as himself.
os::Result<os::Fd> id_view(const std::vector<os::IdMove>& uids,
                           const std::vector<os::IdMove>& gids) {
  if (uids.empty() && gids.empty()) return os::Fd();
  return os::make_id_namespace(os::complete_map(uids), os::complete_map(gids));
}

Status make_ids(SessionMounts& session) {
  for (const UserDir& directory : session.options.workspace->dirs) {
    session.ways.push_back({directory.inside, directory.way});
    DirIds ids;
    if (directory.way == Way::idmap) {
      ids.task = TRY(id_view(os::task_view(directory.uid, kAgentUser),
                             os::task_view(directory.gid, kAgentUser)));
      ids.cli = TRY(id_view(os::cli_view(directory.uid, kAgentUser, kAgentCli),
                            os::cli_view(directory.gid, kAgentUser, kAgentCli)));
    }
    session.dir_ids.push_back(std::move(ids));
  }
  if (!session.options.idmap) return {};
  const std::vector<os::IdMove> swap = os::cli_view(kAgentUser, kAgentUser, kAgentCli);
  os::Result<os::Fd> ids = id_view(swap, swap);
  const os::Fd probe = TRY(os::new_tmpfs({.size = "64k"}, kSecret));
  if (ids.ok() && os::map_ids(probe.get(), ids.value().get(), Depth::one).ok()) {
    session.swap = std::move(ids).value();
  }
  return {};
}

Status show_our_users() {
  const std::string present = TRY(os::read_file("/etc/passwd"));
  if (has_our_users(present)) return {};
  const auto cover = [](const char* path, const std::string& text) -> Status {
    const std::string ours = os::join(kPrivateDir, "/", os::base_of(path));
    TRY(os::write_file(ours, text, 0444));
    const os::Fd mount = TRY(os::clone_mount(ours, Depth::one));
    TRY(os::add_flags(mount.get(), kSecret | os::kReadOnly, Depth::one));
    return os::attach_mount(mount.get(), path);
  };
  TRY(cover("/etc/passwd", passwd_text()));
  return cover("/etc/group", group_text());
}

}  // namespace

os::Result<SessionMounts> mount_session(const SessionOptions& options) {
  if (!is_component(options.agent) || !is_component(options.session)) {
    return os::Error{EINVAL, "name the agent and the session by one word each"};
  }
  SessionMounts session;
  session.options = options;
  TRY_STEP(mount_run(), "mount /run");
  TRY_STEP(make_ids(session), "map ids");
  TRY_STEP(mount_secrets(session), "mount secrets");
  TRY_STEP(mount_cli_home(session), "mount the CLI's HOME");
  TRY_STEP(mount_stage(session), "mount what commands see");
  TRY_STEP(share_tmpfs(session), "share /tmp and handover directories");
  TRY_STEP(show_our_users(), "show our users");
  return session;
}

}  // namespace init
