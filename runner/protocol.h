// The explicit route: what agent-task-run, supervisorctl and the runner say to each other over
// /run/agent-task-runner.sock (SEQPACKET). docs/runner-protocol.md describes it for others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "os/result.h"
#include "os/socket.h"

namespace runner {

inline constexpr char kSocketPath[] = "/run/agent-task-runner.sock";
inline constexpr std::uint32_t kFrameMagic = 0x41545231;           // "ATR1": protocol version 1
inline constexpr std::size_t kMaxFrame = std::size_t{128} * 1024;  // larger: in a memory file
inline constexpr std::size_t kMaxStart = 8 << 20;

enum class FrameKind : std::uint32_t {
  start = 1,    // client: argc, envc, then argv…, envp…; or those in the frame's one descriptor
  started = 2,  // runner: the sandbox's socket is the frame's one descriptor
  refused = 3,  // runner: number is the errno, text the reason
  jobs = 4,     // root: asks for the jobs; the runner answers with `text` (JSON)
  asks = 5,     // root: asks for the open questions; `text` (JSON)
  answer = 6,   // root: answers question `number`, text `yes` or `no`; `text` or `refused`
  text = 7,
};

/// Fixed head of every frame.
struct FrameHead {
  std::uint32_t magic;
  FrameKind kind;
  std::uint64_t number;
  std::uint32_t argc;
  std::uint32_t envc;
};

struct Frame {
  FrameKind kind = FrameKind::text;
  std::uint64_t number = 0;
  std::string text;               // or:
  std::vector<std::string> argv;  // of `start`
  std::vector<std::string> env;
};

/// The bytes of a frame: its head, then the text or the NUL-ended strings.
std::string encode(const Frame& frame);

/// EPROTO with the reason: wrong version, cut short, strings that do not add up.
os::Result<Frame> decode(std::string_view bytes);

/// Sends a frame, with the descriptor it passes if it has one. What does not fit into a message
/// goes into a memory file. `flags` as for sendmsg(2).
os::Status send_frame(int socket, const Frame& frame, const os::Fd& passed = {}, int flags = 0);

/// The frame of a message, its strings read from the message's file if they are there. E2BIG: they
/// are longer than kMaxStart. EPROTO: as decode(), or the descriptor is one that could block us.
os::Result<Frame> read_frame(const os::Message& message);

}  // namespace runner
