// The channel to the host where an engine made the container: PID 1's side of its beginning and
// end.
#pragma once

#include <string>
#include <vector>

#include "channel/frame.h"
#include "init/control_protocol.h"
#include "os/child.h"
#include "os/fd.h"
#include "os/result.h"

namespace init {

/// A secret that came over the channel. Wiped when it has been placed.
struct ChannelSecret {
  std::string name;
  std::string value;
};

/// A connection whose first frames have been read.
struct HostChannel {
  os::Fd in;
  os::Fd out;
  channel::FrameReader rest;
  channel::Hello hello;
  std::vector<ChannelSecret> secrets;
};

/// Takes the channel from descriptors 0 and 1, which become /dev/null, and reads up to the frame
/// that ends the secrets. ETIMEDOUT: nobody spoke. EPROTONOSUPPORT: the host's tools are of another
/// release.
os::Result<HostChannel> open_host_channel();

/// The ends of the CLI's stdio.
struct CliStdio {
  os::Fd input, output, error;               // the CLI's
  os::Fd to_input, from_output, from_error;  // the channel's
};
/// `no_input`: the CLI reads /dev/null.
os::Result<CliStdio> make_cli_stdio(bool no_input);

struct Live;

/// The process that carries the session's streams. To be started when the CLI waits for its go.
os::Status start_channel(Live& live);

/// Gives it a connection of the control socket: of somebody who attaches, or of a new host end,
/// with two descriptors. One that it does not take is closed, which its other end sees.
os::Status hand_to_channel(Live& live, ControlVerb verb, os::Fd connection,
                           const std::vector<os::Fd>& fds);

/// Tells it that the session has ended and waits until the host has everything; SIGTERM, or what
/// else ends a session, shortens the wait. Meanwhile the control socket is served.
void end_channel(Live& live, int exit_code);

}  // namespace init
