#include "init/pid1.h"

#include <array>
#include <csignal>

#include "init/boot.h"
#include "init/shutdown.h"
#include "init/supervisor.h"
#include "os/creds.h"
#include "os/log.h"
#include "os/process.h"
#include "os/text.h"

namespace init {
namespace {

constexpr int kFailed = 125;

// From here on the terminal is the CLI's alone.
os::Status leave_stdio() {
  TRY(os::leave_terminal());
  const std::array<int, 2> silenced{0, 1};
  return os::silence(silenced);
}

os::Result<Ending> supervise(Live& live) {
  TRY(leave_stdio());
  // Once more: each change of the file-access identity during boot took it away.
  TRY(os::set_parent_death_signal(SIGKILL, 0));
  Supervisor supervisor = TRY(Supervisor::make(live));
  return supervisor.run();
}

void print_summary(const Live& live, const Ending& ending) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now() - live.started);
  os::report(os::join("session ", live.host->options.name, ": ", ending.reason, ", exit status ",
                      ending.exit_code, ", ", seconds.count(), " s, ",
                      live.audit_state->count("exec-allowed"), " execs allowed, ",
                      live.audit_state->count("exec-denied"), " denied, ",
                      live.audit_state->next_number.load() - 1, " events"));
}

}  // namespace

int run_pid1(const HostSide& host) {
  // The host's side is this process's only parent; a session without it would run on unseen.
  if (const auto bound = os::set_parent_death_signal(SIGKILL, 0); !bound.ok()) {
    os::report(bound.error().text());
    return kFailed;
  }
  os::set_process_name("agent-init");
  Live live;
  live.host = &host;
  if (const auto failure = boot(host, live)) {
    os::report(failure->error.code == 0 ? failure->error.step : failure->error.text());
    return failure->exit_code;
  }
  auto ending = supervise(live);
  if (!ending.ok()) {
    os::report(ending.error().text());
    ending = Ending{"supervisor-failed", kFailed};
  }
  shut_down(live, ending.value());
  if (host.options.summary) print_summary(live, ending.value());
  return ending.value().exit_code;
}

}  // namespace init
