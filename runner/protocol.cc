#include "runner/protocol.h"

#include <cerrno>
#include <cstring>

namespace runner {
namespace {

constexpr std::size_t kInline = std::size_t{100} * 1024;

bool cut_strings(std::string_view& text, std::uint32_t count, std::vector<std::string>& out) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos) return false;
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::string encode(const Frame& frame) {
  FrameHead head{};
  head.magic = kFrameMagic;
  head.kind = frame.kind;
  head.number = frame.number;
  head.argc = static_cast<std::uint32_t>(frame.argv.size());
  head.envc = static_cast<std::uint32_t>(frame.env.size());
  std::string out(reinterpret_cast<const char*>(&head), sizeof head);
  for (const auto* list : {&frame.argv, &frame.env}) {
    for (const std::string& entry : *list) {
      out += entry;
      out += '\0';
    }
  }
  return out + frame.text;
}

os::Result<Frame> decode(std::string_view bytes) {
  FrameHead head{};
  if (bytes.size() < sizeof head) return os::Error{EPROTO, "read a frame: cut short"};
  std::memcpy(&head, bytes.data(), sizeof head);
  bytes.remove_prefix(sizeof head);
  if (head.magic != kFrameMagic) {
    return os::Error{EPROTO, "read a frame: not version 1 of the runner's protocol"};
  }
  Frame frame;
  frame.kind = head.kind;
  frame.number = head.number;
  if (head.kind != FrameKind::start) {
    frame.text = bytes;
    return frame;
  }
  if (!cut_strings(bytes, head.argc, frame.argv) || !cut_strings(bytes, head.envc, frame.env) ||
      !bytes.empty() || frame.argv.empty()) {
    return os::Error{EPROTO, "read a frame: its strings do not add up"};
  }
  return frame;
}

os::Status send_frame(int socket, const Frame& frame, const os::Fd& passed, int flags) {
  std::string bytes = encode(frame);
  os::Fd file;
  std::vector<int> fds;
  if (passed.valid()) fds.push_back(passed.get());
  if (fds.empty() && bytes.size() > kInline) {
    file = TRY(os::memory_file("frame", std::string_view(bytes).substr(sizeof(FrameHead))));
    bytes.resize(sizeof(FrameHead));
    fds.push_back(file.get());
  }
  return os::send_message(socket, bytes, fds, flags);
}

os::Result<Frame> read_frame(const os::Message& message) {
  FrameHead head{};
  const std::string& bytes = message.bytes;
  if (message.fds.empty() || bytes.size() < sizeof head) return decode(bytes);
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.kind != FrameKind::start && head.kind != FrameKind::text) return decode(bytes);
  const int file = message.fds.front().get();
  // A pipe that nobody writes to would hold the reader up.
  if (!TRY(os::is_regular(file))) return os::Error{EPROTO, "read a frame: not from a file"};
  const auto rest = os::read_all(file, kMaxStart);
  if (!rest.ok()) return os::Error{E2BIG, rest.error().text()};
  return decode(bytes + rest.value());
}

}  // namespace runner
