// Finds out before a redirect what execve(2) would answer in the sandbox.
#pragma once

#include <string>

#include "os/fd.h"
#include "os/result.h"

namespace runner {

/// The file at absolute `path`, as agentuser finds it in the tree whose `/` is `root`; an O_PATH
/// descriptor. ENOENT, EACCES, ENOTDIR, ELOOP, ENAMETOOLONG as of execve(2).
/// `no_follow`: AT_SYMLINK_NOFOLLOW was given.
/// The calling thread must have agentuser's file-access identity (os::FsUser), here and below.
os::Result<os::Fd> look_up_program(int root, const std::string& path, bool no_follow);

/// Whether `file`, found at `path`, can be executed: EACCES, ELOOP, ENOEXEC, ELIBBAD,
/// ETXTBSY; for scripts and dynamic programs the errnos of their interpreter too. Relative
/// interpreters are looked up in `cwd`. `closes`: the caller names the program by a descriptor that
/// an exec closes, so that no interpreter could open a script: ENOENT, as execveat(2) says.
os::Status check_program(int root, const os::Fd& file, const std::string& path,
                         const std::string& cwd, bool closes = false);

/// Both.
os::Status resolve(int root, const std::string& path, const std::string& cwd, bool no_follow);

}  // namespace runner
