// What the host keeps of a session in a container while it runs: where its agent-session listens,
// and what another one needs to take its place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/fd.h"
#include "os/result.h"

namespace channel {

struct SessionState {
  std::string name;    // the container's, too
  std::string engine;  // docker or podman
  std::string key;
  bool terminal = false;
  std::string events;             // absolute path; empty: none
  std::uint64_t events_from = 0;  // its size before this session
};

/// /run/coding-agents for root, $XDG_RUNTIME_DIR/coding-agents for others, or a directory in /tmp;
/// made with mode 0700 where it is missing. EACCES: it is not this user's alone.
os::Result<std::string> session_dir();

/// DIR/NAME.session, 0600. EEXIST: there is one.
os::Status create_state(const std::string& dir, const SessionState& state);
/// The same of one that is there.
os::Status write_state(const std::string& dir, const SessionState& state);
/// ENOENT: no such session.
os::Result<SessionState> read_state(const std::string& dir, const std::string& name);
void remove_state(const std::string& dir, const std::string& name);
std::vector<std::string> session_names(const std::string& dir);

/// The socket of its agent-session. EEXIST: one listens there already.
os::Result<os::Fd> listen_as(const std::string& dir, const std::string& name);
/// ENOENT or ECONNREFUSED: nobody listens.
os::Result<os::Fd> connect_to(const std::string& dir, const std::string& name);

}  // namespace channel
