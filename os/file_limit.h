// How many descriptors another process may have, raised for a moment; prlimit(2).
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <mutex>
#include <utility>

#include "os/result.h"

namespace os {

/// While alive, the soft limit of `process` is its hard one; no capability is needed for that,
/// since it is done as its own user (RealUser), `user`. There is one at a time: a second one waits,
/// or it would take the first one's limit for the process's own. What the process itself sets
/// meanwhile stays.
class RaisedFileLimit {
 public:
  static Result<RaisedFileLimit> raise(pid_t process, uid_t user);
  RaisedFileLimit(RaisedFileLimit&& other) noexcept;
  RaisedFileLimit& operator=(RaisedFileLimit&&) = delete;
  RaisedFileLimit(const RaisedFileLimit&) = delete;
  RaisedFileLimit& operator=(const RaisedFileLimit&) = delete;
  ~RaisedFileLimit();

 private:
  RaisedFileLimit(std::unique_lock<std::mutex> turn, pid_t process, uid_t user, rlimit before)
      : turn_(std::move(turn)), process_(process), user_(user), before_(before) {}
  std::unique_lock<std::mutex> turn_;
  pid_t process_;  // 0: moved from
  uid_t user_;
  rlimit before_;
};

}  // namespace os
