#include "init/shutdown.h"

#include <cerrno>
#include <csignal>
#include <optional>
#include <thread>

#include "audit/actions.h"
#include "init/host_channel.h"
#include "init/services.h"
#include "init/users.h"
#include "init/workspace_check.h"
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
constexpr milliseconds kCliGrace{1000};  // it has said its last word
constexpr milliseconds kAuditGrace{2000};
constexpr int kAuditStarts = 5;  // somebody may kill it more than once
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

audit::Event session_end(const Live& live, const Ending& ending) {
  audit::SessionEnd end;
  end.exit_code = ending.exit_code;
  end.reason = ending.reason;
  end.execs_allowed = live.audit_state->count("exec-allowed");
  end.execs_denied = live.audit_state->count("exec-denied");
  end.execs_exited = live.audit_state->count("exec-exited");
  end.duration_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<milliseconds>(Clock::now() - live.started).count());
  return audit::session_end(end);
}

// From the supervisor's end on nobody but us notices the death of agent-auditd.
Status have_auditd(Live& live) {
  if (live.auditd.running() && !TRY(live.auditd.poll())) return {};
  live.auditd = TRY(start_auditd(live));
  return {};
}

// What was sent waits in the queue, which is PID 1's: whoever is started next finds it. So a killed
// agent-auditd costs nothing but another start, and what was not sent is sent to the next one.
Status end_log(Live& live, const audit::Event& end) {
  const auto deadline = Clock::now() + kAuditGrace;
  std::optional<Status> recorded;
  for (int start = 0; start < kAuditStarts; ++start) {
    TRY(have_auditd(live));
    if (!recorded) {
      const Status done = live.audit->record(end);
      if (!done.ok() && TRY(live.auditd.poll())) continue;
      recorded = done;
      TRY(live.audit->finish());
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0 || !os::wait_readable(live.auditd.pidfd(), left)) {
      return os::Error{ETIMEDOUT, "wait for agent-auditd"};
    }
    if (TRY(live.auditd.wait()) == os::ExitStatus{false, 0}) return *recorded;
  }
  return os::Error{ECHILD, os::join("agent-auditd was killed ", kAuditStarts, " times")};
}

// The session's own status stays what it is: whoever reads the log finds that it breaks off, and
// whoever started the session reads why.
void record_end(Live& live, const Ending& ending) {
  const Status ended = end_log(live, session_end(live, ending));
  if (!ended.ok()) {
    os::report(os::join("the event log has no end (", ending.reason, ", exit status ",
                        ending.exit_code, "): ", ended.error().text()));
  }
  wait_for(live.auditd, milliseconds(0));
}

}  // namespace

void shut_down(Live& live, const Ending& ending) {
  tell_commands_to_end();
  // The runner takes the last reports of its commands; parked sandboxes end with its sockets.
  if (live.runner.running()) note_failure(live.runner.signal(SIGTERM));
  wait_for(live.runner, kRunnerGrace);
  await_end_of_commands(live.spawner);
  wait_for(live.cli.init, kCliGrace);
  note_failure(have_auditd(live));
  check_workspace(live);
  record_end(live, ending);
  if (live.host->hand_back != nullptr) live.host->hand_back->finish();  // before the end is told
  end_channel(live, ending.exit_code);
  os::signal_all(SIGKILL);
  while (os::has_children()) {
    if (!os::reap_one()) std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace init
