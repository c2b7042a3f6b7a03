#include "init/shutdown.h"

#include <signal.h>

#include <functional>
#include <thread>

#include "audit/actions.h"
#include "init/users.h"
#include "os/capabilities.h"
#include "os/log.h"
#include "os/loop.h"

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
void as_agentuser(const std::function<void()>& body, milliseconds limit) {
  auto helper = os::Child::start(0, [&] {
    if (!os::become_powerless(kAgentUser, kAgentUser).ok()) return 1;
    body();
    return 0;
  });
  if (helper.ok()) wait_for(helper.value(), limit);
}

void tell_commands_to_end() {
  os::signal_all(SIGTERM);
  os::signal_all(SIGCONT);  // so that the stopped see it
}

void await_end_of_commands() {
  const auto deadline = Clock::now() + kCommandsGrace;
  while (os::signal_all(0)) {
    if (Clock::now() >= deadline) {
      os::signal_all(SIGKILL);
      return;
    }
    std::this_thread::sleep_for(kPollInterval);
  }
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
  as_agentuser(tell_commands_to_end, kCommandsGrace);
  // The runner takes the last reports of its commands; parked sandboxes end with its sockets.
  if (live.runner.running()) note_failure(live.runner.signal(SIGTERM));
  wait_for(live.runner, kRunnerGrace);
  as_agentuser(await_end_of_commands, kCommandsGrace + kCommandsGrace);
  record_end(live, ending);
  wait_for(live.auditd, kAuditGrace);
  os::signal_all(SIGKILL);
  while (os::has_children()) {
    if (!os::reap_one()) std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace init
