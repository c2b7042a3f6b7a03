#include "os/shared_memory.h"

#include <sys/mman.h>

#include "os/fd.h"
#include "os/text.h"

namespace os {

Result<void*> shared_memory(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return last_error(join("map ", bytes, " shared bytes"));
  return memory;
}

}  // namespace os
