// The identities of a container, and its user database.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace init {

// uid and gid of each are the same number; no two share a group.
inline constexpr uid_t kAgentUser = 1000;     // commands
inline constexpr uid_t kAgentCli = 1001;      // the vendor CLI
inline constexpr uid_t kAgentAudit = 1002;    // writer of the event log
inline constexpr uid_t kAgentNet = 1003;      // egress proxy
inline constexpr uid_t kAgentChannel = 1004;  // carries a container's streams to the host

/// /etc/passwd and /etc/group: root, our identities, nobody. None has a password.
std::string passwd_text();
std::string group_text();

/// True when an /etc/passwd already has agentuser and agentcli under these uids.
bool has_our_users(std::string_view passwd);

}  // namespace init
