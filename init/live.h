// Everything PID 1 holds of a session, from its start to its end.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "audit/client.h"
#include "audit/shared_state.h"
#include "init/enforcement.h"
#include "init/hand_back.h"
#include "init/host_channel.h"
#include "init/options.h"
#include "init/trap_choice.h"
#include "init/trees.h"
#include "os/child.h"
#include "os/fd.h"
#include "os/filter.h"
#include "os/process.h"
#include "os/signals.h"
#include "os/socket.h"
#include "policy/agent.h"
#include "policy/policy.h"
#include "runner/daemon.h"
#include "runner/slots.h"

namespace init {

/// What the host's side has read and opened before the container exists.
struct HostSide {
  RunOptions options;
  policy::Policy policy;
  policy::Agent agent;
  Workspace workspace;
  std::string session;  // id
  os::Fd events;        // --events; not valid: none
  os::Fd alive;         // ends with the host's side; takes a word for each stop of the CLI; not
                        // valid: an engine made the container and ends it
  os::SignalState signals;
  os::ClosedStdio closed_stdio = 0;
  HandBack* hand_back = nullptr;  // where nobody outside does it

  /// False in a container that an engine made: no process of ours is outside.
  bool has_outside() const { return alive.valid(); }
};

/// Why a session did not start, and the status that says so.
struct Failure {
  os::Error error;
  int exit_code = 125;
};

/// The vendor CLI and its namespace.
struct CliSide {
  os::Child init;   // cli-init
  os::Fd socket;    // cli_message.h
  os::Fd root;      // `/` of its tree, O_PATH
  os::Fd listener;  // Trap::notify only
  os::Fd process;   // pidfd of the CLI itself
  os::Fd terminal;  // the master of its pty, until it is the channel's; not valid: it has none
  pid_t pid = 0;    // of the CLI, as PID 1 sees it
  CliProtections protections;
  std::vector<os::FileId> own_programs;
};

/// Descriptors here live as long as the session: each incarnation of a daemon inherits them.
struct Live {
  const HostSide* host = nullptr;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  SessionMounts mounts;
  os::SocketPair audit_channel;
  audit::SharedState* audit_state = nullptr;
  std::optional<audit::Client> audit;
  os::Child auditd;
  os::Fd task_socket;  // listening kTaskSocket
  os::Child spawner;
  os::Fd spawner_socket;
  os::Fd task_root;
  os::Fd relay;
  std::optional<HostChannel> channel;  // none: PID 1's stdio is the CLI's
  CliStdio stdio;                      // with a channel and without a terminal
  os::Child channel_process;
  os::Fd channel_control;
  os::Fd control_socket;  // listening kControlSocket
  TrapChoice trap;
  std::optional<uid_t> trace_as;  // without CAP_SYS_PTRACE: agentcli
  CliSide cli;
  os::Child runner;
  runner::Slots* slots = nullptr;
  runner::Session runner_session;
  policy::Levels levels{};
};

}  // namespace init
