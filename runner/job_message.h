// The message that tells a parked sandbox what to run.
#pragma once

#include <string>
#include <vector>

#include "os/fd.h"
#include "os/result.h"
#include "policy/profile.h"
#include "runner/daemon.h"
#include "runner/parking.h"
#include "runner/sandbox_protocol.h"

namespace runner {

struct JobSpec {
  JobKind kind = kJobRun;
  std::string cwd;
  os::FileId cwd_id;
  std::string path;
  std::string message;  // the refusal, or the words for a command that runs out of time
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::uint64_t signal_mask = 0;
  bool asked_by_command = false;
};

/// Sends the job with the sandbox's end of the relay's socket; a large one travels in a memory
/// file. EPIPE: that sandbox is gone.
os::Status send_job(const Parked& parked, const JobSpec& spec, const policy::Profile& profile,
                    const Session& session);

}  // namespace runner
