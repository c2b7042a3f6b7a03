// Reduces what root may do, and gives it up for good; capabilities(7), by libcap-ng.
#pragma once

#include <sys/types.h>

#include <span>

#include "os/result.h"

namespace os {

/// Keeps exactly `kept` (CAP_… numbers) as permitted, effective and bounding set, and nothing
/// inheritable or ambient. Needs CAP_SETPCAP. Not for processes with threads.
Status limit_capabilities(std::span<const int> kept);

/// Whether all of them are effective. capget(2).
bool has_capabilities(std::span<const int> wanted);

/// Becomes `uid`/`gid` with every capability set empty, the bounding set included, no supplementary
/// group and no_new_privs, and checks that it is so. Needs CAP_SETPCAP, SETUID and SETGID. Takes
/// away the parent-death signal and the dumpable flag: set those afterwards.
Status become_powerless(uid_t uid, gid_t gid);

}  // namespace os
