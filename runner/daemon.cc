#include "runner/daemon.h"

#include <cerrno>
#include <functional>
#include <mutex>
#include <vector>

#include "os/child.h"
#include "os/listener.h"
#include "os/log.h"
#include "os/signals.h"
#include "os/thread.h"
#include "runner/context.h"
#include "runner/exec_trap.h"
#include "runner/notify_engine.h"
#include "runner/task_server.h"
#include "runner/trace_engine.h"
#include "runner/workspace_watch.h"

namespace runner {
namespace {

// One redirect takes 0.15-0.3 ms, and a signal that comes before RECV interrupts the exec: there
// must always be a worker that waits.
constexpr int kWorkers = 8;

int fail(const os::Error& error) {
  os::report(error.text());
  return 1;
}

// Without this thread the runner is of no use: PID 1 sees to it.
void end_unless(int expected, const os::Status& ended) {
  if (ended.ok() || ended.error().code == expected) return;  // no process of the CLI is left
  os::report(ended.error().text());
  os::exit_now(1);
}

}  // namespace

int run_daemon(const Session& session, const Channels& channels) {
  auto stop = os::termination_descriptor();
  auto made = make_context(session, channels);
  if (!stop.ok() || !made.ok()) {
    return fail(stop.ok() ? made.error() : stop.error());
  }
  Context& context = *made.value();
  ExecTrap trap(context);
  NotifyEngine notify(context, trap);
  TraceEngine tracer(context, trap);
  if (channels.listener >= 0) os::prefer_same_cpu(channels.listener);
  // Ready before the first exec arrives.
  context.parking.refill(
      session.policy->profiles.find(session.policy->exec.default_profile)->second);

  std::vector<std::function<void()>> threads;
  os::Fd halts;
  if (session.trap == os::Trap::notify) {
    threads.assign(kWorkers, [&] { end_unless(EPIPE, notify.run()); });
  } else if (session.trap == os::Trap::trace) {
    auto made_halts = os::halts_descriptor();
    if (!made_halts.ok()) return fail(made_halts.error());
    halts = std::move(made_halts).value();
    threads.assign(kWorkers, [&] { end_unless(0, tracer.work()); });
    threads.emplace_back([&] { end_unless(ECHILD, tracer.trace(halts.get())); });
  }
  threads.emplace_back([&] { context.collector.run(); });
  std::mutex watcher;
  threads.emplace_back([&] { watch_workspace(session, context.audit, watcher); });
  for (const auto& body : threads) {
    if (const auto started = os::start_thread(body); !started.ok()) {
      os::report(started.error().text());
      os::exit_now(1);
    }
  }
  TaskServer server(context);
  const auto served = server.run(stop.value().get());
  if (!served.ok()) os::report(served.error().text());
  context.collector.drain();
  watcher.lock();
  os::exit_now(served.ok() ? 0 : 1);  // the threads end with the process
}

}  // namespace runner
