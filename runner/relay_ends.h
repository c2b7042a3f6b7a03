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
  /// Keeps `end` for a process that lives, until it asks. Gives up what is kept for processes that
  /// have ended, so that their sandboxes see it.
  os::Status put(pid_t relay, os::Fd end);
  /// Not valid: nothing is kept for that process.
  os::Fd take(pid_t relay);

 private:
  struct Kept {
    os::Fd process;
    os::Fd end;
  };
  std::mutex mutex_;
  std::map<pid_t, Kept> kept_;
};

}  // namespace runner
