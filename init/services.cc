#include "init/services.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <vector>

#include "audit/daemon.h"
#include "init/users.h"
#include "os/capabilities.h"
#include "os/creds.h"
#include "os/log.h"
#include "os/process.h"

namespace init {
namespace {

using os::Status;

constexpr pid_t kInit = 1;
constexpr int kFailed = 1;

constexpr RestartLimit::Duration kYoung{50};
constexpr unsigned kAtOnce = 5;             // young deaths that cost no delay
constexpr unsigned kMostYoungDeaths = 20;   // in a row
constexpr unsigned kMostYoungKills = 1000;  // the same where it was killed
constexpr RestartLimit::Duration kFirstDelay{10};
constexpr RestartLimit::Duration kLongestDelay{160};

// What every daemon does first. stderr stays: problems are told there.
Status become_daemon(const char* name, std::vector<int> descriptors) {
  os::set_process_name(name);
  TRY(os::leave_terminal());
  const std::array<int, 2> silenced{0, 1};
  TRY(os::silence(silenced));
  os::close_others(std::move(descriptors));
  return {};
}

Status become_bound_to_init() {
  TRY(os::set_dumpable(false));
  return os::set_parent_death_signal(SIGKILL, kInit);
}

Status become_auditd(const Live& live) {
  TRY(become_daemon("agent-auditd", {live.audit_channel.second.get(), live.host->events.get()}));
  TRY(os::become_powerless(kAgentAudit, kAgentAudit));
  return become_bound_to_init();
}

Status become_runner(const runner::Session& session, const runner::Channels& channels) {
  std::vector<int> kept = session.workspace.descriptors();
  kept.insert(kept.end(),
              {channels.listener, channels.spawner, channels.socket, channels.audit,
               channels.attached, channels.relay, channels.task_root, channels.cli_root});
  TRY(become_daemon("agent-task-runnerd", std::move(kept)));
  return become_bound_to_init();
}

template <class Become, class Run>
os::Result<os::Child> start(Become become, Run run) {
  return os::Child::start(0, [&] {
    if (const Status ready = become(); !ready.ok()) {
      os::report(ready.error().text());
      return kFailed;
    }
    return run();
  });
}

}  // namespace

os::Result<os::Child> start_auditd(const Live& live) {
  audit::DaemonConfig config;
  config.socket = live.audit_channel.second.get();
  config.state = live.audit_state;
  config.session = live.host->session;
  config.copy = live.host->events.get();
  config.owner = kInit;
  return TRY_STEP(
      start([&] { return become_auditd(live); }, [&] { return audit::run_auditd(config); }),
      "start agent-auditd");
}

os::Result<os::Child> start_runner(const Live& live, int attached) {
  runner::Channels channels;
  channels.listener = live.cli.listener.get();
  channels.spawner = live.spawner_socket.get();
  channels.socket = live.task_socket.get();
  channels.audit = live.audit_channel.first.get();
  channels.attached = attached;
  channels.relay = live.relay.get();
  channels.task_root = live.task_root.get();
  channels.cli_root = live.cli.root.get();
  channels.slots = live.slots;
  channels.audit_state = live.audit_state;
  return TRY_STEP(start([&] { return become_runner(live.runner_session, channels); },
                        [&] { return runner::run_daemon(live.runner_session, channels); }),
                  "start agent-task-runnerd");
}

std::optional<RestartLimit::Duration> RestartLimit::after_death(Duration lived, bool killed) {
  ++restarts_;
  young_deaths_ = lived < kYoung ? young_deaths_ + 1 : 0;
  if (young_deaths_ > (killed ? kMostYoungKills : kMostYoungDeaths)) return std::nullopt;
  if (young_deaths_ <= kAtOnce) return Duration(0);
  if (killed) return kFirstDelay;
  const unsigned doublings = std::min(young_deaths_ - kAtOnce - 1, 8U);
  return std::min(kFirstDelay * (1U << doublings), kLongestDelay);
}

}  // namespace init
