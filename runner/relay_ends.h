// The sockets of relays that have to fetch them: engine trace cannot put a descriptor into a
// caller.
#pragma once

#include <sys/types.h>

#include <map>
#include <mutex>

#include "os/fd.h"
#include "os/result.h"

namespace runner {

/// Thread-safe. Whoever asks is told apart by the process number that the kernel gives of him.
class RelayEnds {
 public:
  /// Before any other call.
  os::Status open();
  /// Keeps `end` for a process that lives, until it asks.
  os::Status put(pid_t relay, os::Fd end);
  /// Not valid: nothing is kept for that process.
  os::Fd take(pid_t relay);
  /// Readable when a process has ended that something is kept for. Its sandbox sees that when it is
  /// given up.
  int ended() const { return processes_.get(); }
  void give_up_ended();

 private:
  struct Kept {
    os::Fd process;
    os::Fd end;
  };
  os::Fd processes_;
  std::mutex mutex_;
  std::map<pid_t, Kept> kept_;
};

}  // namespace runner
