#include "init/boot.h"

#include <fcntl.h>
#include <linux/capability.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "audit/actions.h"
#include "init/cli_message.h"
#include "init/cli_start.h"
#include "init/secrets.h"
#include "init/services.h"
#include "init/spawner.h"
#include "init/users.h"
#include "init/version.h"
#include "init/workspace_check.h"
#include "os/capabilities.h"
#include "os/creds.h"
#include "os/text.h"

namespace init {
namespace {

using os::Error;
using os::join;
using os::Status;

// Mounts, other processes' memory, identities, and signals to those of another uid.
constexpr std::array<int, 6> kCapabilities{CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID,
                                           CAP_SETPCAP,   CAP_KILL,   CAP_SYS_PTRACE};

// Commands connect as agentuser, the CLI as agentcli; the runner asks the kernel who they are.
constexpr mode_t kTaskSocketMode = 0666;

Status make_container(const HostSide& host) {
  if (!host.has_outside()) return adopt_container(host.workspace);
  ViewOptions view;
  view.workspace = &host.workspace;
  view.cli_dirs = host.options.cli_dirs;
  view.libexec = host.options.libexec;
  return prepare_container_view(view);
}

// Without the last of them a session still starts: the CLI is traced as its own user is allowed to.
Status limit_rights(Live& live) {
  const bool all = os::has_capabilities(std::array{CAP_SYS_PTRACE});
  if (!all) live.trace_as = kAgentCli;
  return os::limit_capabilities(
      std::span(kCapabilities).first(kCapabilities.size() - (all ? 0 : 1)));
}

Status build_container(const HostSide& host, Live& live) {
  TRY_STEP(make_container(host), "build the container");
  TRY(limit_rights(live));

  SessionOptions session;
  session.agent = host.agent.name;
  session.session = host.session;
  session.agent_dir = host.agent.home_dir;
  session.cli_dirs = host.options.cli_dirs;
  session.workspace = &host.workspace;
  session.idmap = offered(policy::Protection::workspace_idmap, host.options.hidden);
  session.handover = host.agent.handover;
  live.mounts = TRY_STEP(mount_session(session), "mount the session");
  return {};
}

Status start_daemons(Live& live) {
  live.audit_channel = TRY(audit::make_channel());
  live.audit_state = TRY(audit::map_shared_state());
  live.audit.emplace(live.audit_channel.first.get(), live.audit_state,
                     &live.runner_session.secrets);
  live.auditd = TRY(start_auditd(live));
  live.slots = TRY(runner::map_slots());
  live.task_socket = TRY(os::listen_unix(kTaskSocket, kTaskSocketMode, os::SocketType::seqpacket));
  live.relay = TRY(os::open_file(join(kLibexec, "/agent-relay"), O_RDONLY));
  Spawner spawner = TRY_STEP(start_spawner(live.mounts), "start agent-sandbox");
  live.spawner = std::move(spawner.child);
  live.spawner_socket = std::move(spawner.socket);
  live.task_root = std::move(spawner.task_root);
  return {};
}

Status record_start(const HostSide& host, const Live& live) {
  audit::SessionStart start;
  start.name = host.options.name;
  start.agent = host.agent.name;
  start.engine = host.options.engine;
  start.policy = host.options.policy;
  start.version = kVersion;
  start.workspace = host.options.workspace;
  start.observe = host.policy.exec.observe;
  TRY(live.audit->record(audit::session_start(start)));
  return live.audit->record(audit::enforcement(words(live.levels, live.cli.protections.trap)));
}

void fill_runner_session(const HostSide& host, Live& live) {
  runner::Session& session = live.runner_session;
  session.id = host.session;
  session.agent = host.agent.name;
  session.cli_uid = kAgentCli;
  session.task_uid = kAgentUser;
  session.policy = &host.policy;
  session.agent_rules = &host.agent;
  session.secret_devs = live.mounts.secret_devs;
  session.cli_devs = live.mounts.cli_devs;
  session.structural_devs = live.mounts.structural_devs;
  session.trap = live.cli.protections.trap;
  session.trace_as = live.trace_as;
  session.cli = live.cli.pid;
  session.cli_init = live.cli.init.pid();
  session.own_programs = live.cli.own_programs;
}

Status judge(const HostSide& host, Live& live) {
  live.levels = found_levels(live.cli.protections, live.mounts.ways, host.options.hidden);
  if (const auto missing = refusal(host.policy.require, live.levels)) {
    const std::string& why = live.trap.why_none;
    return Error{0, why.empty() ? *missing : join(*missing, " (", why, ')')};
  }
  TRY_STEP(record_start(host, live), "record the session's start");
  return {};
}

// With a tracer the CLI may go only when it is traced: an exec without one would be ENOSYS.
Status start_first_runner(Live& live) {
  const bool traces = live.cli.protections.trap == os::Trap::trace;
  os::SocketPair attached;
  if (traces) attached = TRY(os::seqpacket_pair());
  live.runner = TRY(start_runner(live, attached.second.get()));
  attached.second.reset();
  if (!traces) return {};
  const os::Message word = TRY(os::receive_message(attached.first.get(), 64));
  if (word.end) return Error{EPERM, "trace the CLI"};
  return {};
}

}  // namespace

std::optional<Failure> boot(const HostSide& host, Live& live) {
  const auto before_cli = [&]() -> Status {
    TRY(os::set_dumpable(false));
    if (!host.options.channel.empty()) {
      live.channel = TRY_STEP(open_host_channel(), "open the channel");
    }
    TRY(build_container(host, live));
    TRY(take_secrets(host.options.secrets, host.agent, live.runner_session.secrets));
    if (live.channel) {
      TRY(place_secrets(live.channel->secrets, host.agent, live.runner_session.secrets));
    }
    TRY(start_daemons(live));
    live.trap =
        TRY(choose_trap(host.options.trap, host.options.hidden, live.relay.get(), live.trace_as));
    live.mounts.options.relay_for_cli = live.trap.trap == os::Trap::trace;
    return {};
  };
  if (Status done = before_cli(); !done.ok()) return Failure{std::move(done).error()};
  if (auto failure = start_cli(host, live)) return failure;
  fill_runner_session(host, live);
  if (Status done = judge(host, live); !done.ok()) return Failure{std::move(done).error()};
  if (Status done = note_workspace(host, live); !done.ok()) {
    return Failure{std::move(done).error().within("look at the workspace")};
  }
  if (live.cli.protections.trap != os::Trap::notify) {
    // No first exec will arrive here, so this is the moment.
    if (Status done = start_first_runner(live); !done.ok()) {
      return Failure{std::move(done).error()};
    }
  }
  if (live.channel) {
    if (Status done = start_channel(live); !done.ok()) return Failure{std::move(done).error()};
  }
  if (Status done = send_go(live.cli.socket.get()); !done.ok()) {
    return Failure{std::move(done).error()};
  }
  os::trim_memory();
  return std::nullopt;
}

}  // namespace init
