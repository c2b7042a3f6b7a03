#include "audit/shared_state.h"

#include <new>

#include "os/shared_memory.h"

namespace audit {

os::Result<SharedState*> map_shared_state() {
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  return new (TRY(os::shared_memory(sizeof(SharedState)))) SharedState;
}

}  // namespace audit
