#include "os/file_limit.h"

#include <utility>

#include "os/creds.h"
#include "os/fd.h"
#include "os/text.h"

namespace os {

Result<RaisedFileLimit> RaisedFileLimit::raise(pid_t process, uid_t user) {
  const auto as_user = TRY(RealUser::enter(user));
  rlimit before{};
  if (::prlimit(process, RLIMIT_NOFILE, nullptr, &before) != 0) {
    return last_error(join("read the limits of process ", process));
  }
  const rlimit raised{before.rlim_max, before.rlim_max};
  if (::prlimit(process, RLIMIT_NOFILE, &raised, nullptr) != 0) {
    return last_error(join("raise a limit of process ", process));
  }
  return RaisedFileLimit(process, user, before);
}

RaisedFileLimit::RaisedFileLimit(RaisedFileLimit&& other) noexcept
    : process_(std::exchange(other.process_, 0)), user_(other.user_), before_(other.before_) {}

// A process that has ended has no limits to put back.
RaisedFileLimit::~RaisedFileLimit() {
  if (process_ == 0) return;
  const auto as_user = RealUser::enter(user_);
  if (as_user.ok()) ::prlimit(process_, RLIMIT_NOFILE, &before_, nullptr);
}

}  // namespace os
