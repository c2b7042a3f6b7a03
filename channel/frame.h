// Frames of a live channel: how agent-session on the host and a container's PID 1 talk to each
// other over two pipes. docs/channel.md.
//
// A frame is u32 length of its bytes, u8 type, u32 stream, bytes; numbers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "os/result.h"

namespace channel {

/// Both ends of a channel must be of one version.
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kMostBytes = std::size_t{1} << 20;

enum class Type : std::uint8_t {
  // From the host.
  hello = 1,  // Hello; the first frame of every connection
  secret,     // name, NUL, value
  begin,      // no more secrets
  signal,     // stream: the number
  // From the container.
  ready = 16,  // Ready; the CLI starts
  events,      // u64 offset in the event log, whole lines from there
  exit,        // stream: the exit status; the last frame
  // In either direction; the stream is the CLI's descriptor.
  data = 32,
  end,     // no more data
  credit,  // u32: so many bytes have been passed on, as many more may come
  stop,    // nobody reads this stream any more
};

struct Frame {
  Type type{};
  std::uint32_t stream = 0;
  std::string bytes;
};

std::string encode(Type type, std::uint32_t stream = 0, std::string_view bytes = {});

/// Cuts what arrives into frames.
class FrameReader {
 public:
  void add(std::string_view bytes) { waiting_ += bytes; }
  /// Makes room for bytes that must not be left behind in freed memory, and overwrites those that
  /// have been taken.
  void reserve(std::size_t size) { waiting_.reserve(size); }
  void wipe_taken();
  /// The next whole frame, if it is there. EPROTO: the bytes are no frames.
  os::Result<std::optional<Frame>> next();

 private:
  std::string waiting_;
};

/// Where the host is a new process, that does not know how much was passed on before it.
inline constexpr std::uint64_t kUnknown = ~std::uint64_t{0};

/// How the host begins. A new connection to a channel that has lost its old one goes on where that
/// one ended: so many bytes of the CLI's stdout and stderr, and of the event log, the host has
/// passed on.
struct Hello {
  std::uint32_t version = kVersion;
  std::uint16_t rows = 24;  // of the host's terminal
  std::uint16_t columns = 80;
  bool no_input = false;  // stdin is /dev/null, and so is the CLI's
  std::uint64_t passed_output = 0;
  std::uint64_t passed_error = 0;
  std::uint64_t passed_events = 0;
  std::string key;  // proves that it is the same host
};
std::string encode(const Hello& hello);
/// EPROTONOSUPPORT, with both versions in the text: the other end is of another release.
os::Result<Hello> decode_hello(const Frame& frame);

/// How the container answers.
struct Ready {
  std::uint32_t version = kVersion;
  std::uint64_t passed_input = 0;
};
std::string encode(const Ready& ready);
os::Result<Ready> decode_ready(const Frame& frame);

/// A number at the beginning of a frame's bytes, which are cut by it. EPROTO.
os::Result<std::uint64_t> take_number(std::string_view& bytes, std::size_t size);
void put_number(std::string& bytes, std::uint64_t number, std::size_t size);

}  // namespace channel
