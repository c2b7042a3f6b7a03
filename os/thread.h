// Threads that live as long as their process.
#pragma once

#include <functional>

#include "os/result.h"

namespace os {

/// Starts a detached thread; pthread_create(3), whose errors it gives. EAGAIN: after five tries.
Status start_thread(std::function<void()> body);

}  // namespace os
