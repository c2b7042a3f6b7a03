// Hostile frames on the runner's socket: decoded or refused, and what is decoded encodes back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runner/protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto frame = runner::decode(bytes);
  if (frame.ok() && !runner::decode(runner::encode(frame.value())).ok()) std::abort();
  return 0;
}
