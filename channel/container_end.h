// A channel's end in the container: a process without privileges between the CLI's stdio and the
// host. PID 1 reads the first frames itself, for they have secrets, and forks it then.
#pragma once

#include <cstdint>
#include <string>

#include "channel/frame.h"
#include "os/fd.h"
#include "os/file_notices.h"

namespace channel {

/// Messages between PID 1 and the process, with descriptors.
enum class Word : std::uint32_t {
  signal = 1,  // to PID 1: `value`, for the CLI
  peer,        // to the process: a new connection; in, out, and what its bringer waits for
  attach,      // to the process: somebody who wants the CLI's terminal
  ending,      // to the process: the session has ended, as `value`; it ends when all is passed on
};
struct Message {
  Word word{};
  std::int32_t value = 0;
};

/// What the process has; all of it is taken over.
struct ContainerEnd {
  os::Fd in;          // from the host
  os::Fd out;         // to the host
  FrameReader first;  // with what was read of `in` already
  std::string key;
  os::Fd control;   // SEQPACKET, to PID 1
  os::Fd terminal;  // of the CLI: the master; not valid: it has the three streams
  os::Fd input;     // to the CLI; not valid: it reads /dev/null
  os::Fd output;    // from the CLI
  os::Fd error;
  os::Fd log;               // the session's events
  os::FileNotices notices;  // of its directory
};

/// Until PID 1 says that the session ends and the host has everything, or nobody comes to take it.
/// Returns an exit code.
int run_container_end(ContainerEnd end);

}  // namespace channel
