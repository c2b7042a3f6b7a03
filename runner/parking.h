// Parked sandboxes: made ahead of the command that will run in one.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "os/fd.h"
#include "os/result.h"
#include "policy/profile.h"

namespace runner {

/// A sandbox that waits for its job, and the end of its socket that the relay will hold.
struct Parked {
  os::Fd job;
  os::Fd relay;
};

/// Asks agent-sandbox for parked sandboxes and keeps a few ready per kind. Thread-safe.
class Parking {
 public:
  /// `spawner`: the socket of agent-sandbox, borrowed. `ready`: how many of a kind to keep.
  Parking(int spawner, std::size_t ready) : spawner_(spawner), ready_(ready) {}

  /// A living parked sandbox fit for `profile`. EPIPE: agent-sandbox is gone.
  os::Result<Parked> take(const policy::Profile& profile);

  /// Fills up what `profile` needs; called when the caller has been let go.
  void refill(const policy::Profile& profile);

  /// The Landlock ruleset that sandboxes of `profile` apply to themselves. Before the first take().
  void set_ruleset(const policy::Profile& profile, os::Fd ruleset);

 private:
  os::Result<Parked> park(const policy::Profile& profile) const;

  int spawner_;
  std::size_t ready_;
  std::mutex mutex_;
  std::map<const policy::Profile*, std::vector<Parked>> parked_;
  std::map<const policy::Profile*, os::Fd> rulesets_;
};

}  // namespace runner
