// Brings the session's secrets from their descriptors to where the CLI reads them.
#pragma once

#include <span>
#include <string>

#include "init/host_channel.h"
#include "init/options.h"
#include "os/result.h"
#include "policy/agent.h"
#include "runner/secret_values.h"

namespace init {

/// The directory of an agent's credentials.
std::string secrets_dir(const std::string& agent);

/// Reads each descriptor to its end and closes it; writes the file `NAME`
/// (agentcli, 0600) there and where the agent's `secret_files` want it, and remembers the value in
/// `values`. No copy stays behind in this process's memory. EINVAL: a value too short to be told
/// from ordinary text.
os::Status take_secrets(std::span<const SecretFd> secrets, const policy::Agent& agent,
                        runner::SecretValues& values);

/// The same for secrets that have been read already; their values are wiped.
os::Status place_secrets(std::span<ChannelSecret> secrets, const policy::Agent& agent,
                         runner::SecretValues& values);

}  // namespace init
