// Hostile bytes on a session's channel: cut into frames or refused, and what a frame holds encodes
// back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "channel/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  channel::FrameReader reader;
  reader.add({reinterpret_cast<const char*>(data), size});
  for (;;) {
    const auto next = reader.next();
    if (!next.ok() || !next.value()) return 0;
    const channel::Frame& frame = *next.value();
    channel::FrameReader again;
    again.add(channel::encode(frame.type, frame.stream, frame.bytes));
    const auto same = again.next();
    if (!same.ok() || !same.value() || same.value()->bytes != frame.bytes) std::abort();
    static_cast<void>(channel::decode_ready(frame).ok());
    const auto hello = channel::decode_hello(frame);
    if (hello.ok() && channel::encode(hello.value()).size() != frame.bytes.size()) std::abort();
  }
}
