// What the CLI's side tells PID 1 while it starts and when it ends, over one SEQPACKET socket.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "init/enforcement.h"
#include "os/fd.h"
#include "os/result.h"
#include "os/socket.h"

namespace init {

enum class CliWord : std::uint32_t {
  ready = 1,  // the CLI's process is confined and waits for the go; carries CliDescriptors
  failed,     // a step failed, or the exec did; `value` is its errno, `text` the step
  stopped,    // the CLI was stopped by its terminal; `value`: the signal
  ended,      // the CLI ended and so did all of its namespace; `value`: its exit code, or -signal
};

struct CliMessage {
  CliWord word = CliWord::failed;
  std::int32_t value = 0;
  CliProtections protections;            // ready
  std::vector<os::FileId> own_programs;  // ready: Agent::programs that exist
  std::int32_t exit_code = 125;          // failed: what the session ends with
  std::string text;                      // failed
};

/// What comes along with `ready`, as far as there is such.
struct CliDescriptors {
  os::Fd root;      // `/` of its tree, O_PATH
  os::Fd listener;  // Trap::notify only
  os::Fd terminal;  // the master of the CLI's terminal
};

os::Status send_cli_message(int socket, const CliMessage& message,
                            const CliDescriptors& descriptors = {});

struct ReceivedCliMessage {
  CliMessage message;
  CliDescriptors descriptors;
  pid_t sender = 0;
  bool end = false;  // nobody of the CLI's side is left
};
os::Result<ReceivedCliMessage> receive_cli_message(int socket);

/// The go: PID 1's one message to the CLI's process.
os::Status send_go(int socket);
/// Waits for it; EPIPE: PID 1 refused the session or is gone.
os::Status await_go(int socket);

}  // namespace init
