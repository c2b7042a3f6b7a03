// The sessions that run on this machine, for those who look for one by its name.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "os/result.h"

namespace init {

inline constexpr char kSessionsDir[] = "/run/coding-agents-sessions";

/// A session's PID 1 as the host sees it. The start time makes sure that the pid still means it.
struct SessionProcess {
  std::string name;
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // os::start_time()
};

/// Whether the process is still there.
bool is_alive(const SessionProcess& session);

/// Writes `DIR/NAME`, root 0600 in a directory root 0700. EEXIST: a session of that name runs.
os::Status add_session(const SessionProcess& session, const std::string& dir = kSessionsDir);
void remove_session(const std::string& name, const std::string& dir = kSessionsDir);

/// ENOENT: no such session, or it has ended.
os::Result<SessionProcess> find_session(const std::string& name,
                                        const std::string& dir = kSessionsDir);
/// All that run, by name.
std::vector<SessionProcess> list_sessions(const std::string& dir = kSessionsDir);

}  // namespace init
