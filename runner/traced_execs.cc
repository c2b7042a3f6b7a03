#include "runner/traced_execs.h"

#include <algorithm>
#include <utility>

namespace runner {

void TracedExecs::add(const TracedExecRef& exec) { halted_.insert_or_assign(exec->tid, exec); }

void TracedExecs::start(const TracedExecRef& exec) {
  halted_.erase(exec->tid);
  running_.push_back(exec);
}

void TracedExecs::drop(const TracedExecRef& exec) { halted_.erase(exec->tid); }

TracedExecRef TracedExecs::heir_to(pid_t tid) const {
  const auto found = std::find_if(running_.begin(), running_.end(), [&](const TracedExecRef& exec) {
    return exec->group == tid && exec->tid != tid;
  });
  return found == running_.end() ? nullptr : *found;
}

// The last one: an older exec by a thread of this number has got past the point where it could
// return, since the number was free again.
TracedExecRef TracedExecs::take_returned(pid_t tid) {
  const auto found = std::find_if(running_.rbegin(), running_.rend(),
                                  [&](const TracedExecRef& exec) { return exec->tid == tid; });
  if (found == running_.rend()) return nullptr;
  TracedExecRef exec = *found;
  running_.erase(std::next(found).base());
  return exec;
}

TracedExecRef TracedExecs::take_executed(pid_t group, pid_t former) {
  const auto found = std::find_if(running_.begin(), running_.end(), [&](const TracedExecRef& exec) {
    return exec->group == group && exec->tid == former;
  });
  if (found == running_.end()) return nullptr;
  TracedExecRef exec = *found;
  running_.erase(found);
  return exec;
}

// Of the number of a thread that was no leader it cannot be told whether it is the thread itself
// that died, or another that got the number from it. Then the exec is lost, and on_executed() kills
// what it loads.
std::vector<TracedExecRef> TracedExecs::take_gone(pid_t tid) {
  std::vector<TracedExecRef> gone;
  if (auto halted = halted_.extract(tid); !halted.empty()) gone.push_back(halted.mapped());
  const auto ended = std::stable_partition(
      running_.begin(), running_.end(),
      [&](const TracedExecRef& exec) { return exec->group != tid && exec->tid != tid; });
  gone.insert(gone.end(), ended, running_.end());
  running_.erase(ended, running_.end());
  return gone;
}

}  // namespace runner
