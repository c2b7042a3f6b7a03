// Memory that a process shares with the children it forks.
#pragma once

#include <cstddef>

#include "os/result.h"

namespace os {

/// `bytes` of zeroed memory, shared with every process forked from here on; mmap(2) with
/// MAP_SHARED|MAP_ANONYMOUS. Never unmapped: it lives as long as the last process that has it.
Result<void*> shared_memory(std::size_t bytes);

}  // namespace os
