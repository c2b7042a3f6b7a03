// Parked sandboxes: made ahead of the command that will run in one, and used again after it.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "os/fd.h"
#include "os/result.h"
#include "os/socket.h"
#include "policy/profile.h"

namespace runner {

/// A sandbox that waits for its job, and the two ends of the socket it will share with the relay.
struct Parked {
  os::Fd job;
  os::Fd relay;    // for the caller that becomes the relay
  os::Fd sandbox;  // goes with the job
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

  /// Takes back a sandbox that is parked again, or that never got its job.
  void give_back(const policy::Profile& profile, os::Fd job);

  /// Makes `profile` known before its first take(): by a number of its own, and the Landlock
  /// ruleset that its sandboxes apply to themselves, if any.
  void add_profile(const policy::Profile& profile, std::uint32_t number, os::Fd ruleset);

 private:
  struct Kind {
    std::uint32_t number = 0;
    os::Fd ruleset;
  };

  os::Result<os::Fd> park(const policy::Profile& profile) const;
  os::Fd take_waiting(const policy::Profile& profile);
  os::Result<os::SocketPair> take_line();

  int spawner_;
  std::size_t ready_;
  std::mutex mutex_;
  std::map<const policy::Profile*, std::vector<os::Fd>> parked_;  // the jobs' sockets
  std::vector<os::SocketPair> lines_;  // for relays, made while nobody waits for them
  std::map<const policy::Profile*, Kind> kinds_;
};

}  // namespace runner
