// The three mount trees of a session: the container's, the CLI's and the commands'.
//
// Order of calls:
//   host side       prepare_workspace()                 before anything is cloned
//   PID 1           prepare_container_view()            engine local
//                   adopt_container()                   an engine's container, made from our image
//   PID 1           mount_session()                     from here on the same for every engine
//   spawner child   build_task_tree()                   a child with CLONE_NEWPID | CLONE_NEWNS
//   cli-init child  build_cli_tree()                    a child with CLONE_NEWPID | CLONE_NEWNS
//   host side       hand_back_workspace()               when every process of the session is gone
//                   (in an engine's container: init/hand_back.h)
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "init/workspace.h"
#include "os/fd.h"
#include "os/result.h"
#include "policy/agent.h"

namespace init {

inline constexpr char kHome[] = "/home/agentuser";
inline constexpr char kWorkspace[] = "/workspace";
inline constexpr char kPolicyDir[] = "/run/task-policy";  // read-only in both trees
inline constexpr char kTaskSocket[] = "/run/agent-task-runner.sock";
inline constexpr char kLogDir[] = "/run/agent-task-runner";    // tmpfs of agentaudit
inline constexpr char kPrivateDir[] = "/run/agent-init";       // root 0711, PID 1 only
inline constexpr char kLibexec[] = "/libexec";                 // our programs, PID 1 only
inline constexpr char kTaskRun[] = "/libexec/agent-task-run";  // in both trees

/// What the container of engine local is made of.
struct ViewOptions {
  const Workspace* workspace = nullptr;
  std::vector<std::string> cli_dirs;  // absolute host paths, read-only at the same path
  std::string libexec;                // host directory with our programs; shown as kLibexec
};

/// Engine local: turns this process's fresh mount namespace into the container: a read-only root
/// with this machine's system directories, a minimal /dev, its own /proc, /workspace, empty /run.
/// Needs full root, a pid and a mount namespace of its own. The old root is gone on return.
os::Status prepare_container_view(const ViewOptions& options);

/// In a container that an engine made: takes its tree as it is, after checking that it has the
/// places that a session needs, and puts a linked worktree where a session has it. ENOENT, ENOTDIR:
/// the image is not ours.
os::Status adopt_container(const Workspace& workspace);

/// What mount_session() needs to know about the session.
struct SessionOptions {
  std::string agent;      // `claude`
  std::string session;    // session id, one path component
  std::string agent_dir;  // below HOME: `.claude`; empty: it has none
  std::vector<policy::Handover> handover;
  std::vector<std::string> cli_dirs;  // as in ViewOptions
  const Workspace* workspace = nullptr;
  bool relay_for_cli = false;  // engine trace: the CLI's tree shows the relay
  bool idmap = true;           // false: as on a machine without idmapped mounts
};

/// How one shared mount is made writable for both identities; shown by `supervisorctl`.
struct MountWay {
  std::string path;
  Way way = Way::idmap;
};

/// The user namespaces that say which ids a directory of the user's shows. Not valid: its own.
struct DirIds {
  os::Fd task;
  os::Fd cli;
};

/// The session's mounts. Children inherit the descriptors in it, so build_*_tree() take it as is.
struct SessionMounts {
  SessionOptions options;
  std::vector<MountWay> ways;
  std::vector<dev_t> secret_devs;      // secrets, data, export, capabilities, event log
  std::vector<dev_t> cli_devs;         // the CLI's HOME, its .<agent> directory, its /dev/shm
  std::vector<dev_t> structural_devs;  // root and HOME of the CLI's tree
  std::vector<DirIds> dir_ids;         // one for each of workspace->dirs
  os::Fd swap;                         // agentuser <-> agentcli, for tmpfs; not valid: way acl
};

/// PID 1: mounts everything of the session: /run with its secret and data mounts, the CLI's HOME
/// at kHome, the commands' HOME, /tmp, handover directories, the policy tmpfs, and our /etc/passwd
/// and /etc/group where the container has others. SYS_ADMIN, SETUID and SETGID are enough for it.
/// `options.workspace` must outlive the result.
os::Result<SessionMounts> mount_session(const SessionOptions& options);

/// The spawner's child: builds the commands' tree, enters it, mounts /proc, and moves the pid
/// counter to 100000 so that no pid of one side names a process of the other. kTaskSocket must
/// already be bound by its listener.
os::Status build_task_tree(const SessionMounts& mounts);

/// What build_cli_tree() could switch on.
struct CliTree {
  bool memfd_noexec = false;  // vm.memfd_noexec=2 in this pid namespace (Linux 6.3)
};

/// cli-init's child: builds the CLI's tree, enters it, mounts /proc with hidepid=2.
os::Result<CliTree> build_cli_tree(const SessionMounts& mounts);

}  // namespace init
