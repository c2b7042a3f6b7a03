// Finds out before a redirect what execve(2) would answer in the sandbox.
#pragma once

#include <string>

#include "os/result.h"

namespace runner {

/// Success, or the errno that the exec of absolute `path` gives to agentuser in the tree whose `/`
/// is `root`: ENOENT, EACCES, ENOTDIR, ELOOP, ENAMETOOLONG, ENOEXEC, ETXTBSY; for scripts and
/// dynamic programs those of their interpreter too. Relative interpreters are looked up in `cwd`.
/// The calling thread must have agentuser's file-access identity (os::FsUser).
/// `no_follow`: AT_SYMLINK_NOFOLLOW was given.
os::Status resolve(int root, const std::string& path, const std::string& cwd, bool no_follow);

}  // namespace runner
