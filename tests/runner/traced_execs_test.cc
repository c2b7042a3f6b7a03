#include "runner/traced_execs.h"

#include <doctest/doctest.h>

#include <memory>

using runner::TracedExec;
using runner::TracedExecRef;
using runner::TracedExecs;

namespace {

TracedExecRef exec_of(pid_t tid, pid_t group) {
  auto exec = std::make_shared<TracedExec>();
  exec->tid = tid;
  exec->group = group;
  return exec;
}

TracedExecRef halted(TracedExecs& execs, pid_t tid, pid_t group) {
  auto exec = exec_of(tid, group);
  execs.add(exec);
  return exec;
}

TracedExecRef running(TracedExecs& execs, pid_t tid, pid_t group) {
  auto exec = halted(execs, tid, group);
  execs.start(exec);
  return exec;
}

}  // namespace

TEST_CASE("an exec ends once, as what it is") {
  TracedExecs execs;
  CHECK(execs.take_returned(10) == nullptr);
  const auto returns = running(execs, 10, 10);
  CHECK(execs.take_returned(10) == returns);
  CHECK(execs.take_returned(10) == nullptr);
  const auto executes = running(execs, 12, 10);
  CHECK(execs.take_executed(10, 11) == nullptr);
  CHECK(execs.take_executed(11, 12) == nullptr);
  CHECK(execs.take_executed(10, 12) == executes);
  CHECK(execs.take_executed(10, 12) == nullptr);
  const auto dropped = halted(execs, 10, 10);
  execs.drop(dropped);
  CHECK(execs.take_gone(10).empty());
}

TEST_CASE("what was not started loads no program and does not return") {
  TracedExecs execs;
  const auto waits = halted(execs, 10, 10);
  CHECK(execs.take_executed(10, 10) == nullptr);
  CHECK(execs.take_returned(10) == nullptr);
  CHECK(execs.take_gone(10) == std::vector<TracedExecRef>{waits});
}

TEST_CASE("with the process ends the exec of whichever thread") {
  TracedExecs execs;
  const auto leader = halted(execs, 10, 10);
  const auto thread = running(execs, 12, 10);
  const auto other = running(execs, 20, 20);
  CHECK(execs.take_gone(10) == std::vector<TracedExecRef>{leader, thread});
  CHECK(execs.take_executed(20, 20) == other);
}

TEST_CASE("while a thread executes, the leader's number has an heir") {
  TracedExecs execs;
  const auto leader = running(execs, 10, 10);
  CHECK(execs.heir_to(10) == nullptr);
  const auto thread = halted(execs, 12, 10);
  CHECK(execs.heir_to(10) == nullptr);
  execs.start(thread);
  CHECK(execs.heir_to(10) == thread);
  CHECK(execs.heir_to(12) == nullptr);
  CHECK(execs.take_returned(12) == thread);
  CHECK(execs.heir_to(10) == nullptr);
}

TEST_CASE("a thread's number goes to another process while its exec runs") {
  TracedExecs execs;
  const auto first = running(execs, 12, 10);
  SUBCASE("which is halted: the first program is not its") {
    const auto second = halted(execs, 12, 12);
    CHECK(execs.take_executed(10, 12) == first);
    CHECK(execs.take_gone(12) == std::vector<TracedExecRef>{second});
  }
  SUBCASE("which executes") {
    const auto second = running(execs, 12, 12);
    CHECK(execs.take_executed(12, 12) == second);
    CHECK(execs.take_executed(10, 12) == first);
  }
  SUBCASE("whose exec fails") {
    const auto second = running(execs, 12, 12);
    CHECK(execs.take_returned(12) == second);
    CHECK(execs.take_executed(10, 12) == first);
  }
}
