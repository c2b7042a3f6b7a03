#include "audit/shared_state.h"

#include <new>

#include "os/shared_memory.h"

namespace audit {

std::uint64_t SharedState::count(std::string_view action) const {
  const std::size_t index = index_of(action);
  return index < sent.size() ? sent[index].load(std::memory_order_relaxed) : 0;
}

void SharedState::count_one(std::string_view action) {
  const std::size_t index = index_of(action);
  if (index < sent.size()) sent[index].fetch_add(1, std::memory_order_relaxed);
}

os::Result<SharedState*> map_shared_state() {
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  return new (TRY(os::shared_memory(sizeof(SharedState)))) SharedState;
}

}  // namespace audit
