// Kills agent-auditd at random moments under load: nothing is lost, nothing is there twice.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <map>
#include <random>

#include "audit/event.h"
#include "tests/audit/daemon_process.h"

namespace {

using nlohmann::json;
using test_support::DaemonProcess;

constexpr int kKills = 50;
constexpr int kProcesses = 3;
constexpr int kThreads = 2;
constexpr int kSenders = kProcesses * kThreads;

// Shared by all processes of the test.
struct Load {
  std::atomic<bool> stop{false};
  std::array<std::atomic<std::uint64_t>, kSenders> recorded{};
};

void send_until_stopped(const audit::Client& client, Load& load, int sender) {
  const std::string padding(static_cast<std::size_t>(sender) * 300, 'x');
  for (std::uint64_t i = 1; !load.stop.load(); ++i) {
    audit::Event event("exec-allowed");
    event.set("exec.id", i).set("test.sender", sender).set("test.padding", padding);
    if (!client.record(event).ok()) ::_exit(1);
    load.recorded[static_cast<std::size_t>(sender)].store(i);
  }
}

pid_t start_senders(const audit::Client& client, Load& load, int first) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid > 0) return pid;
  std::thread other([&] { send_until_stopped(client, load, first + 1); });
  send_until_stopped(client, load, first);
  other.join();
  ::_exit(0);
}

// Counts and order: seq has no gap, each sender's records are there once each, in order.
void check(const DaemonProcess& daemon, const Load& load) {
  std::map<int, std::uint64_t> seen;
  std::uint64_t seq = 0;
  std::uint64_t repairs = 0;
  for (const json& line : daemon.lines()) {
    REQUIRE(line["seq"] == ++seq);
    const json& data = line["data"];
    if (data["event"]["action"] == "log-repaired") {
      ++repairs;
      continue;
    }
    REQUIRE(data["event"]["action"] == "exec-allowed");
    REQUIRE(data["exec"]["id"] == ++seen[data["test"]["sender"].get<int>()]);
  }
  for (int sender = 0; sender < kSenders; ++sender) {
    CHECK(seen[sender] == load.recorded[static_cast<std::size_t>(sender)].load());
  }
  CHECK(daemon.copy() == daemon.log());
  MESSAGE(seq << " records, " << kKills << " kills, " << repairs << " unfinished lines");
}

}  // namespace

TEST_CASE("fifty kills under load lose no record and repeat none") {
  DaemonProcess daemon;
  void* memory =
      ::mmap(nullptr, sizeof(Load), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  Load& load = *new (memory) Load;
  daemon.start();
  std::array<pid_t, kProcesses> senders{};
  for (int i = 0; i < kProcesses; ++i) {
    senders[static_cast<std::size_t>(i)] = start_senders(daemon.client(), load, i * kThreads);
  }

  const unsigned seed = std::random_device()();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < kKills; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 12000));
    daemon.kill();
    daemon.start();
  }
  load.stop.store(true);
  for (const pid_t sender : senders) {
    int status = -1;
    REQUIRE(::waitpid(sender, &status, 0) == sender);
    CHECK(status == 0);
  }
  CHECK(daemon.finish() == 0);
  check(daemon, load);
  ::munmap(memory, sizeof(Load));
}
