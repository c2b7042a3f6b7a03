// Engine trace: one thread traces every process of the CLI for the whole of its life, and the
// filter gives it each exec (SECCOMP_RET_TRACE). For where the listener cannot be had.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "os/page_gift.h"
#include "os/traced_task.h"
#include "os/tracer.h"
#include "runner/context.h"
#include "runner/exec_trap.h"
#include "runner/traced_execs.h"

namespace runner {

/// ptrace(2) obeys the one thread that traces, so that thread does nothing else and never waits for
/// anybody: workers walk the execs and tell it what is to become of each.
class TraceEngine {
 public:
  TraceEngine(Context& context, ExecTrap& trap) : context_(context), trap_(trap) {}

  /// The tracer's whole work: seizes the CLI, says so on channels.attached, and goes on until no
  /// process is left (ECHILD). `halts`: of halts_descriptor().
  os::Status trace(int halts);

  /// A worker's whole work: walks execs, one at a time, until no process is left.
  os::Status work();

 private:
  class Call;
  // A program of the CLI's own that has executed nothing yet.
  struct New {
    os::PageGift page;
    std::uint64_t signal_mask;
  };

  // The tracer's side.
  void on_halt(os::TracedHalt halted);
  void hold(os::TracedHalt halted, const TracedExec& heir);
  void on_trapped(const os::TracedTask& task);
  void on_executed(const os::TracedTask& task);
  void on_failed(const os::TracedTask& task);
  void on_gone(pid_t tid);
  void start_wish(const TracedExecRef& exec);
  bool start_exec(TracedExec& exec);
  Redirect finish(const os::TracedTask& task, TracedExec& exec);
  bool hand_over(const os::TracedTask& task, TracedExec& exec);
  bool give_path(const os::TracedTask& task, std::uint64_t signal_mask);
  void on_halt_of_new(const os::TracedTask& task, os::Halt halt);
  bool go_on_giving(const os::TracedTask& task);
  void take_wishes();
  void take_held();
  void close();

  // The workers' side.
  TracedExecRef next_exec();
  Redirect ask(const TracedExecRef& exec);

  static void answer(TracedExec& exec, Redirect redirect);

  Context& context_;
  ExecTrap& trap_;

  // The tracer's alone.
  bool started_ = false;  // the CLI's own exec is through
  TracedExecs execs_;
  std::unordered_map<pid_t, New> new_;
  std::vector<os::TracedHalt> held_;      // of numbers that have an heir
  std::vector<TracedExecRef> postponed_;  // wishes for them

  // Trapped and not yet walked; wishes not yet seen by the tracer.
  std::mutex trapped_mutex_;
  std::condition_variable has_trapped_;
  std::deque<TracedExecRef> trapped_;
  bool no_more_ = false;

  std::mutex wishes_mutex_;
  std::vector<TracedExecRef> wishes_;
  bool closed_ = false;  // the tracer has ended
};

}  // namespace runner
