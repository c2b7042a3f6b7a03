// T3, T12 and the leak and runner-death checks: many threads spawn a program again and again.
//   spawn_load THREADS COUNT EXPECTED-EXIT PROGRAM ARGS...       COUNT spawns in all
//   spawn_load THREADS SECONDS's' EXPECTED-EXIT PROGRAM ARGS...  as many as fit
// Prints totals and percentiles (µs); with TIMELINE=1 also one line per spawn:
// "spawn<TAB>start-ns<TAB>end-ns<TAB>outcome" by CLOCK_MONOTONIC, which sessions share with the
// host.
#include <spawn.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <map>
#include <thread>
#include <vector>

#include "tests/victims/victim.h"

namespace {

struct Spawn {
  long start = 0;
  long end = 0;
  std::string outcome;
};

struct Plan {
  int threads = 1;
  long count = 0;    // spawns in all; no limit where seconds are given
  long seconds = 0;  // 0: no limit in time
  std::string expected;
  char** argv = nullptr;
};

std::atomic<long> taken{0};

long now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000L + time.tv_nsec;
}

Spawn spawn_once(char** argv) {
  Spawn spawn;
  spawn.start = now();
  pid_t child = -1;
  const int error = posix_spawnp(&child, argv[0], nullptr, nullptr, argv, environ);
  spawn.outcome = error != 0 ? victim::errno_name(error) : victim::end_of(child);
  spawn.end = now();
  return spawn;
}

std::vector<Spawn> spawn_many(const Plan& plan, long until) {
  std::vector<Spawn> spawns;
  while ((until == 0 || now() < until) && (plan.seconds != 0 || taken.fetch_add(1) < plan.count)) {
    spawns.push_back(spawn_once(plan.argv));
  }
  return spawns;
}

std::vector<Spawn> run(const Plan& plan) {
  const long until = plan.seconds == 0 ? 0 : now() + plan.seconds * 1'000'000'000L;
  std::vector<std::vector<Spawn>> parts(static_cast<std::size_t>(plan.threads));
  std::vector<std::thread> threads;
  threads.reserve(parts.size());
  for (auto& part : parts) {
    threads.emplace_back([&plan, &part, until] { part = spawn_many(plan, until); });
  }
  std::vector<Spawn> all;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    threads[i].join();
    all.insert(all.end(), parts[i].begin(), parts[i].end());
  }
  return all;
}

void tell_times(const std::vector<Spawn>& spawns) {
  std::vector<long> micros;
  micros.reserve(spawns.size());
  for (const Spawn& spawn : spawns) micros.push_back((spawn.end - spawn.start) / 1000);
  std::sort(micros.begin(), micros.end());
  if (micros.empty()) return;
  const auto at = [&](std::size_t percent) { return micros[(micros.size() - 1) * percent / 100]; };
  victim::say("p10", std::to_string(at(10)));
  victim::say("p50", std::to_string(at(50)));
  victim::say("p99", std::to_string(at(99)));
  victim::say("slowest", std::to_string(micros.back()));
}

void tell(const Plan& plan, const std::vector<Spawn>& spawns) {
  std::map<std::string, long> outcomes;
  for (const Spawn& spawn : spawns) ++outcomes[spawn.outcome];
  for (const auto& [outcome, count] : outcomes) {
    victim::say((outcome == plan.expected ? "as-expected " : "other ") + outcome,
                std::to_string(count));
  }
  victim::say("spawns", std::to_string(spawns.size()));
  tell_times(spawns);
  const char* timeline = std::getenv("TIMELINE");
  if (timeline == nullptr || *timeline != '1') return;
  for (const Spawn& spawn : spawns) {
    std::printf("spawn\t%ld\t%ld\t%s\n", spawn.start, spawn.end, spawn.outcome.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 64;
  Plan plan;
  plan.threads = static_cast<int>(victim::number(argv[1]));
  std::string limit = argv[2];
  if (limit.back() == 's') {
    limit.pop_back();
    plan.seconds = victim::number(limit.c_str());
  } else {
    plan.count = victim::number(argv[2]);
  }
  plan.expected = std::string("exit ") + argv[3];
  plan.argv = argv + 4;
  tell(plan, run(plan));
  return 0;
}
