// Repeats a system call that a signal interrupted. Only for os/: nothing else reads errno.
#pragma once

#include <cerrno>

namespace os {

/// Calls until the result is not -1 with EINTR. Not for close(2): Linux has closed the fd by then.
template <class Call>
auto retrying(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

}  // namespace os
