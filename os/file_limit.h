// How many descriptors another process may have, raised for a moment; prlimit(2).
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include "os/result.h"

namespace os {

/// While alive, the soft limit of `process` is its hard one; no capability is needed for that,
/// since it is done as its own user (RealUser), `user`.
class RaisedFileLimit {
 public:
  static Result<RaisedFileLimit> raise(pid_t process, uid_t user);
  RaisedFileLimit(RaisedFileLimit&& other) noexcept;
  RaisedFileLimit& operator=(RaisedFileLimit&&) = delete;
  RaisedFileLimit(const RaisedFileLimit&) = delete;
  RaisedFileLimit& operator=(const RaisedFileLimit&) = delete;
  ~RaisedFileLimit();

 private:
  RaisedFileLimit(pid_t process, uid_t user, rlimit before)
      : process_(process), user_(user), before_(before) {}
  pid_t process_;  // 0: moved from
  uid_t user_;
  rlimit before_;
};

}  // namespace os
