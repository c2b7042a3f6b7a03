// Measures what a sender pays for an event. Prints; a slow machine is no failure.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "audit/actions.h"
#include "tests/audit/daemon_process.h"

namespace {

using Clock = std::chrono::steady_clock;
using test_support::DaemonProcess;

constexpr int kThreads = 8;
constexpr int kEvents = 200;

std::int64_t nanoseconds_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

struct Command {
  std::vector<std::string> argv{"/usr/bin/git", "commit", "-m", "a message of usual length"};
  audit::Event event(std::uint64_t id) const {
    audit::Exec exec;
    exec.id = id;
    exec.path = argv[0];
    exec.argv = argv;
    exec.cwd = "/workspace/src";
    exec.verdict = "run";
    exec.rule = "default-run";
    exec.profile = "default";
    return audit::exec_allowed(exec);
  }
};

// One thread's costs, at the pace of commands rather than of a flood.
std::vector<std::int64_t> send_events(const audit::Client& client) {
  const Command command;
  std::vector<std::int64_t> costs;
  for (int i = 0; i < kEvents; ++i) {
    const auto start = Clock::now();
    const os::Status recorded = client.record(command.event(static_cast<std::uint64_t>(i)));
    costs.push_back(nanoseconds_since(start));
    CHECK(recorded.ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return costs;
}

}  // namespace

TEST_CASE("what record() costs its sender") {
  DaemonProcess daemon;
  daemon.start();
  std::vector<std::vector<std::int64_t>> costs(kThreads);
  std::vector<std::thread> threads;
  for (auto& own : costs) threads.emplace_back([&] { own = send_events(daemon.client()); });
  for (std::thread& thread : threads) thread.join();
  CHECK(daemon.finish() == 0);
  CHECK(daemon.lines().size() == kThreads * kEvents);

  std::vector<std::int64_t> all;
  for (const auto& own : costs) all.insert(all.end(), own.begin(), own.end());
  std::sort(all.begin(), all.end());

  const Command command;
  constexpr int kBuilds = 20000;
  std::size_t bytes = 0;
  const auto start = Clock::now();
  for (int i = 0; i < kBuilds; ++i) bytes += command.event(1).data_json().size();
  const auto build = nanoseconds_since(start) / kBuilds;
  MESSAGE("record() from " << kThreads << " threads: p50 " << all[all.size() / 2] << " ns, p99 "
                           << all[all.size() * 99 / 100] << " ns; of these, building "
                           << bytes / kBuilds << " bytes " << build << " ns");
}
