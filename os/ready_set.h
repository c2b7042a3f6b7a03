// A set of descriptors to be waited for, epoll(7).
#pragma once

#include <vector>

#include "os/fd.h"

namespace os {

Result<Fd> make_ready_set();
Status add_to_ready_set(int set, int fd);
void remove_from_ready_set(int set, int fd);

/// The descriptors that can be read or have ended, after at most `milliseconds` (-1: for ever).
Result<std::vector<int>> wait_ready(int set, int milliseconds);

/// Sleeps; a signal may cut it short. nanosleep(2).
void pause_for_milliseconds(int milliseconds);

}  // namespace os
