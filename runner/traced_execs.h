// The execs that engine trace has under way, by the numbers under which a tracer hears of them.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "os/fd.h"
#include "os/traced_task.h"
#include "runner/trapped_call.h"

namespace runner {

/// What is to become of an exec: `none` until a worker has said so.
enum class Wish { none, pass, refuse, relay, itself };

/// An exec between its halt and its answer.
struct TracedExec {
  pid_t tid = 0;
  pid_t group = 0;  // its process: the number of the leader
  seccomp_data data{};
  user_regs_struct registers{};  // at the halt
  std::uint64_t signal_mask = 0;
  std::atomic<bool> gone{false};

  // The worker's until it hands the exec over, then the tracer's.
  Wish wish = Wish::none;
  int code = 0;            // refuse
  std::uint64_t argv = 0;  // relay
  std::uint64_t envp = 0;
  os::Fd socket;
  std::function<bool(pid_t)> verify;  // itself

  std::mutex mutex;
  std::condition_variable answered;
  std::optional<Redirect> answer;
};

using TracedExecRef = std::shared_ptr<TracedExec>;

/// A thread that executes ends all others of its process and takes the leader's number, and nothing
/// tells the tracer when: its own number is free from then on, and the leader's means somebody else
/// (de_thread(), fs/exec.c). So an exec that runs is known by its process as well. The tracer's
/// alone.
class TracedExecs {
 public:
  /// Halted, nothing has happened yet.
  void add(const TracedExecRef& exec);
  /// It runs: its end is a return, a new program, or a death.
  void start(const TracedExecRef& exec);
  /// It will not run.
  void drop(const TracedExecRef& exec);

  /// The running exec whose thread may take this number at any moment, or has it; nullptr: there is
  /// none. Until it ends, the tracer must not touch who has the number, or it might resume a
  /// program that nobody has looked at.
  TracedExecRef heir_to(pid_t tid) const;

  // Each takes what it gives; nullptr: there is none.
  /// The running exec of a thread that came to the end of a system call.
  TracedExecRef take_returned(pid_t tid);
  /// The running exec of process `group`, started by its thread `former`, that loaded a program.
  TracedExecRef take_executed(pid_t group, pid_t former);
  /// What ends with the thread that had the number `tid`, or with the process.
  std::vector<TracedExecRef> take_gone(pid_t tid);

 private:
  std::unordered_map<pid_t, TracedExecRef> halted_;
  std::vector<TracedExecRef> running_;  // few: each has a thread that waits for it
};

}  // namespace runner
