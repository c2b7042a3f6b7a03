// What a session's options name, read before its PID 1 boots: the same for every engine.
#pragma once

#include <functional>
#include <string_view>

#include "init/live.h"

namespace init {

/// What the process was started with.
struct Inherited {
  os::SignalState signals;
  os::ClosedStdio closed_stdio = 0;
};

/// Closes every descriptor but stdio and the secrets': nothing that the caller happened to have
/// open reaches the session.
os::Status take_descriptors(const RunOptions& options);

/// The policy, the agent, a session id, and a name where none was given.
os::Result<HostSide> read_options(RunOptions options, const Inherited& inherited);

/// Opens the file for events and prepares the workspace; last, since way acl changes the tree.
os::Status open_what_is_named(HostSide& host);

/// Runs a session and returns its exit status; one line on stderr and 125 when the options are
/// wrong, this is not root, or the session did not start. `program` is named in the line.
int run_with(os::Result<RunOptions> options, std::string_view program,
             const std::function<os::Result<int>(RunOptions)>& session);

}  // namespace init
