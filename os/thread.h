// Threads that live as long as their process.
#pragma once

#include <functional>

#include "os/result.h"

namespace os {

/// Starts a detached thread. pthread_create(3) says EAGAIN for a passing shortage, seen on a busy
/// machine with room for thousands of threads: it is tried again for 20 ms.
Status start_thread(std::function<void()> body);

}  // namespace os
