// A channel's end on the host: starts the engine's client, carries the session's streams and
// events, and tells those who wait how the session ended. A process of its own, in a session of its
// own: what happens to the terminal or the program that started it does not touch it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "channel/frame.h"
#include "channel/session_dir.h"
#include "os/fd.h"

namespace channel {

/// Messages between agent-session's front and the process here; text may follow.
enum class Note : std::uint32_t {
  signal = 1,  // from the front: `value`, for the CLI
  ready,       // to it: the CLI starts
  ended,       // to it: the exit status; the text is what the container had to say
};
struct NoteHeader {
  Note note{};
  std::int32_t value = 0;
};

struct HostEndPlan {
  std::string dir;
  SessionState state;
  bool again = false;                                        // takes the place of one that is gone
  std::vector<std::string> engine;                           // what starts the container; its words
  std::vector<std::pair<std::string, std::string>> secrets;  // name, value
  Hello hello;                                               // with the size of the terminal
  os::Fd listener;                                           // listen_as()
  os::Fd front;  // SEQPACKET, to the process that started this one
};

/// The program that `engine` runs to reach into the container.
std::vector<std::string> engine_words(const SessionState& state,
                                      const std::vector<std::string>& options,
                                      std::string_view verb);

/// Runs until the session has ended and all of it has been passed on. Takes descriptors 0, 1 and 2
/// for the CLI's streams where it has no terminal. Returns an exit code.
int run_host_end(HostEndPlan plan);

}  // namespace channel
