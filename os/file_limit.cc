#include "os/file_limit.h"

#include <utility>

#include "os/creds.h"
#include "os/fd.h"
#include "os/text.h"

namespace os {

namespace {

std::mutex& turn() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

Result<RaisedFileLimit> RaisedFileLimit::raise(pid_t process, uid_t user) {
  std::unique_lock lock(turn());
  const auto as_user = TRY(RealUser::enter(user));
  rlimit before{};
  if (::prlimit(process, RLIMIT_NOFILE, nullptr, &before) != 0) {
    return last_error(join("read the limits of process ", process));
  }
  const rlimit raised{before.rlim_max, before.rlim_max};
  if (::prlimit(process, RLIMIT_NOFILE, &raised, nullptr) != 0) {
    return last_error(join("raise a limit of process ", process));
  }
  return RaisedFileLimit(std::move(lock), process, user, before);
}

RaisedFileLimit::RaisedFileLimit(RaisedFileLimit&& other) noexcept
    : turn_(std::move(other.turn_)),
      process_(std::exchange(other.process_, 0)),
      user_(other.user_),
      before_(other.before_) {}

// A process that has ended has no limits to put back.
RaisedFileLimit::~RaisedFileLimit() {
  if (process_ == 0) return;
  const auto as_user = RealUser::enter(user_);
  rlimit now{};
  if (!as_user.ok() || ::prlimit(process_, RLIMIT_NOFILE, nullptr, &now) != 0) return;
  if (now.rlim_cur != before_.rlim_max || now.rlim_max != before_.rlim_max) return;
  ::prlimit(process_, RLIMIT_NOFILE, &before_, nullptr);
}

}  // namespace os
