#include "channel/frame.h"

#include <cerrno>

#include "os/process.h"
#include "os/text.h"

namespace channel {
namespace {

using os::Error;

constexpr std::size_t kHeader = 9;
constexpr std::size_t kMostKey = 64;

Error malformed(const char* what) { return Error{EPROTO, os::join("read a channel's ", what)}; }

// The version is where every release has it: at the beginning.
os::Result<std::uint32_t> take_version(std::string_view& bytes) {
  const auto version = static_cast<std::uint32_t>(TRY(take_number(bytes, 4)));
  if (version != kVersion) {
    return Error{
        EPROTONOSUPPORT,
        os::join("read a channel's first frame: the other end speaks version ", version,
                 ", this one ", kVersion, "; use an image and host tools of the same release")};
  }
  return version;
}

}  // namespace

os::Result<std::uint64_t> take_number(std::string_view& bytes, std::size_t size) {
  if (bytes.size() < size) return malformed("number");
  std::uint64_t number = 0;
  for (std::size_t at = size; at-- > 0;) {
    number = number << 8 | static_cast<unsigned char>(bytes[at]);
  }
  bytes.remove_prefix(size);
  return number;
}

void put_number(std::string& bytes, std::uint64_t number, std::size_t size) {
  for (std::size_t at = 0; at < size; ++at) bytes += static_cast<char>(number >> (8 * at) & 0xff);
}

std::string encode(Type type, std::uint32_t stream, std::string_view bytes) {
  std::string frame;
  frame.reserve(kHeader + bytes.size());
  put_number(frame, bytes.size(), 4);
  put_number(frame, static_cast<std::uint8_t>(type), 1);
  put_number(frame, stream, 4);
  frame += bytes;
  return frame;
}

os::Result<std::optional<Frame>> FrameReader::next() {
  if (waiting_.size() < kHeader) return std::optional<Frame>();
  std::string_view rest = waiting_;
  const std::size_t size = TRY(take_number(rest, 4));
  if (size > kMostBytes) return malformed("frame: it is too long");
  if (rest.size() < kHeader - 4 + size) return std::optional<Frame>();
  Frame frame;
  frame.type = static_cast<Type>(TRY(take_number(rest, 1)));
  frame.stream = static_cast<std::uint32_t>(TRY(take_number(rest, 4)));
  frame.bytes = rest.substr(0, size);
  waiting_.erase(0, kHeader + size);
  return std::optional<Frame>(std::move(frame));
}

void FrameReader::wipe_taken() {
  std::string rest = waiting_;
  waiting_.resize(waiting_.capacity());
  os::wipe(waiting_);
  waiting_ = std::move(rest);
}

std::string encode(const Hello& hello) {
  std::string bytes;
  put_number(bytes, hello.version, 4);
  put_number(bytes, hello.rows, 2);
  put_number(bytes, hello.columns, 2);
  put_number(bytes, hello.no_input ? 1 : 0, 1);
  put_number(bytes, hello.passed_output, 8);
  put_number(bytes, hello.passed_error, 8);
  put_number(bytes, hello.passed_events, 8);
  return bytes + hello.key;
}

os::Result<Hello> decode_hello(const Frame& frame) {
  if (frame.type != Type::hello) return malformed("first frame");
  std::string_view rest = frame.bytes;
  Hello hello;
  hello.version = TRY(take_version(rest));
  hello.rows = static_cast<std::uint16_t>(TRY(take_number(rest, 2)));
  hello.columns = static_cast<std::uint16_t>(TRY(take_number(rest, 2)));
  hello.no_input = TRY(take_number(rest, 1)) != 0;
  hello.passed_output = TRY(take_number(rest, 8));
  hello.passed_error = TRY(take_number(rest, 8));
  hello.passed_events = TRY(take_number(rest, 8));
  if (rest.empty() || rest.size() > kMostKey) return malformed("key");
  hello.key = rest;
  return hello;
}

std::string encode(const Ready& ready) {
  std::string bytes;
  put_number(bytes, ready.version, 4);
  put_number(bytes, ready.passed_input, 8);
  return bytes;
}

os::Result<Ready> decode_ready(const Frame& frame) {
  if (frame.type != Type::ready) return malformed("first frame");
  std::string_view rest = frame.bytes;
  Ready ready;
  ready.version = TRY(take_version(rest));
  ready.passed_input = TRY(take_number(rest, 8));
  return ready;
}

}  // namespace channel
