// The client of a container engine as a child process whose stdin and stdout are ours.
#pragma once

#include <string>
#include <vector>

#include "os/child.h"
#include "os/fd.h"
#include "os/result.h"

namespace channel {

struct EngineClient {
  os::Child process;
  os::Fd to;      // its stdin
  os::Fd from;    // its stdout
  os::Fd errors;  // its stderr, if that is not ours
};

enum class Errors { ours, taken, dropped };

/// Starts `words`, looking the first up in PATH. The child exits with 127 if it cannot.
os::Result<EngineClient> start_engine_client(const std::vector<std::string>& words, Errors errors);

/// Asks `engine`, and waits at most some seconds for the answer. EIO or ETIMEDOUT: it gave none.
os::Result<bool> container_exists(const std::string& engine, const std::string& name);

/// Becomes `words` with this process's stdio, default signals and environment; only for a child.
/// Returns its exit code if that failed.
int become_engine_client(const std::vector<std::string>& words);

}  // namespace channel
