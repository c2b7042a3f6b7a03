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

// A session without its host's side would run on unseen. An engine's container has none: there the
// parent is a thread of the engine's that may end at any time.
os::Status bind_to_host(const HostSide& host) {
  if (!host.has_outside()) return {};
  return os::set_parent_death_signal(SIGKILL, 0);
}

// From here on the terminal is the CLI's alone. An engine's container was given none.
os::Status leave_stdio(const HostSide& host) {
  if (host.has_outside()) TRY(os::leave_terminal());
  const std::array<int, 2> silenced{0, 1};
  return os::silence(silenced);
}

os::Result<Ending> supervise(Live& live) {
  TRY(leave_stdio(*live.host));
  TRY(bind_to_host(*live.host));  // again: each change of identity during boot took it away
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
  if (const auto bound = bind_to_host(host); !bound.ok()) {
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
