// supervisorctl: asks a session's PID 1, or its runner, and prints what it says.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "init/control_protocol.h"
#include "os/result.h"

namespace init {

/// Asks over the socket at `path`. ECONNREFUSED, ENOENT: nobody listens there; EPROTO: the other
/// side speaks another version, which the text names.
os::Result<std::vector<ControlRecord>> ask_status(const std::string& path);

/// The lines of `supervisorctl status`: NAME STATE DESCRIPTION for each process, as supervisord's
/// own client prints them, then the protections and mounts.
std::string status_text(const std::vector<ControlRecord>& records);
/// The protections and the way of each mount.
std::string enforcement_text(const std::vector<ControlRecord>& records);
/// All of it as one JSON object in one line.
std::string status_json(const std::vector<ControlRecord>& records);

/// `0:00:05`, `1 day, 2:03:04`.
std::string uptime_text(std::uint64_t milliseconds);

/// The whole program. 0: done, and all processes run; 1: refused; 2: usage; 3: a process does not
/// run; 4: no such session.
int supervisorctl(std::span<char*> words);

}  // namespace init
