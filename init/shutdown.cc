#include "init/shutdown.h"

#include <csignal>
#include <thread>

#include "audit/actions.h"
#include "init/users.h"
#include "os/capabilities.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/text.h"

namespace init {
namespace {

using os::Status;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kCommandsGrace{2000};
constexpr milliseconds kRunnerGrace{1000};
constexpr milliseconds kAuditGrace{2000};
constexpr milliseconds kPollInterval{2};

void note_failure(const Status& status) {
  if (!status.ok()) os::note(status.error().text());
}

// Waits for a child's end; kills it when the time is up.
void wait_for(os::Child& child, milliseconds limit) {
  if (!child.running()) return;
  if (!os::wait_readable(child.pidfd(), limit)) note_failure(child.signal(SIGKILL));
  const auto status = child.wait();
  if (!status.ok()) os::note(status.error().text());
}

// Signals from a process that is agentuser itself reach all of agentuser's and nobody else's.
void tell_commands_to_end() {
  auto helper = os::Child::start(0, [] {
    if (!os::become_powerless(kAgentUser, kAgentUser).ok()) return 1;
    os::signal_all(SIGTERM);
    os::signal_all(SIGCONT);  // so that the stopped see it
    return 0;
  });
  if (helper.ok()) wait_for(helper.value(), kCommandsGrace);
}

// Every process of a command has agent-sandbox as its parent, or gets it when its own ends.
bool commands_left(const os::Child& spawner) {
  const auto children =
      os::read_file(os::join("/proc/", spawner.pid(), "/task/", spawner.pid(), "/children"));
  return children.ok() && !children.value().empty();
}

void await_end_of_commands(os::Child& spawner) {
  if (!spawner.running()) return;
  const auto deadline = Clock::now() + kCommandsGrace;
  while (commands_left(spawner) && Clock::now() < deadline) {
    std::this_thread::sleep_for(kPollInterval);
  }
  note_failure(spawner.signal(SIGKILL));  // the end of its pid namespace: nothing survives it
  wait_for(spawner, kCommandsGrace);
}

void record_end(Live& live, const Ending& ending) {
  audit::SessionEnd end;
  end.exit_code = ending.exit_code;
  end.reason = ending.reason;
  end.duration_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<milliseconds>(Clock::now() - live.started).count());
  const Status recorded = live.audit->record(audit::session_end(end));
  if (!recorded.ok()) os::report(recorded.error().text());
  note_failure(live.audit->finish());
}

}  // namespace

void shut_down(Live& live, const Ending& ending) {
  tell_commands_to_end();
  // The runner takes the last reports of its commands; parked sandboxes end with its sockets.
  if (live.runner.running()) note_failure(live.runner.signal(SIGTERM));
  wait_for(live.runner, kRunnerGrace);
  await_end_of_commands(live.spawner);
  record_end(live, ending);
  wait_for(live.auditd, kAuditGrace);
  os::signal_all(SIGKILL);
  while (os::has_children()) {
    if (!os::reap_one()) std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace init
