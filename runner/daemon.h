// agent-task-runnerd: owns the exec trap, gives commands to sandboxes, serves the explicit route.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "audit/shared_state.h"
#include "os/fd.h"
#include "os/filter.h"
#include "policy/agent.h"
#include "policy/policy.h"
#include "runner/secret_values.h"
#include "runner/slots.h"
#include "runner/workspace_files.h"

namespace runner {

/// What the session is; filled by init at boot, the same for every incarnation of the runner.
struct Session {
  std::string id;
  std::string agent;
  uid_t cli_uid = 1001;
  uid_t task_uid = 1000;
  os::Trap trap = os::Trap::none;
  std::optional<uid_t> trace_as;  // without CAP_SYS_PTRACE: agentcli, whose processes are traced
  pid_t cli = 0;                  // the CLI, as PID 1 sees it
  pid_t cli_init = 0;             // pid 1 of the CLI's pid namespace, as PID 1 sees it
  const policy::Policy* policy = nullptr;
  const policy::Agent* agent_rules = nullptr;
  std::vector<os::FileId> own_programs;  // the CLI's root-owned programs (verdict `self`)
  std::vector<dev_t> secret_devs;        // filesystems no descriptor of which reaches a command
  std::vector<dev_t> cli_devs;           // the CLI's own: only write-only descriptors pass
  std::vector<dev_t> structural_devs;    // root tmpfs and HOME of the CLI's tree: a working
                                         // directory there is entered by path alone
  SecretValues secrets;
  // Of note_workspace() in workspace_watch.h.
  WorkspaceView workspace;  // as commands see it; its descriptors are each incarnation's, too
  WorkspaceFiles workspace_at_start;
};

/// Descriptors that PID 1 keeps open for the whole session and every incarnation inherits.
struct Channels {
  int listener = -1;   // seccomp notification descriptor; Trap::notify only
  int spawner = -1;    // SEQPACKET to agent-sandbox
  int socket = -1;     // listening /run/agent-task-runner.sock (SEQPACKET); -1: none
  int audit = -1;      // SEQPACKET to agent-auditd
  int attached = -1;   // SEQPACKET to PID 1: a word when the CLI is traced; Trap::trace only
  int relay = -1;      // agent-relay, O_RDONLY
  int task_root = -1;  // O_PATH of `/` in the task tree
  int cli_root = -1;   // O_PATH of `/` in the CLI's tree
  Slots* slots = nullptr;
  audit::SharedState* audit_state = nullptr;
};

/// Runs until SIGTERM. Returns an exit code.
/// The caller has forked, kept PID 1's capabilities and closed what is not in `channels`.
int run_daemon(const Session& session, const Channels& channels);

}  // namespace runner
