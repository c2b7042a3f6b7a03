// Landlock rulesets: which files a process may execute, or write. landlock(7).
#pragma once

#include <span>
#include <string>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// The kernel's Landlock version, from 1; ENOSYS or EOPNOTSUPP where there is none.
Result<int> landlock_version();

/// A ruleset under which only these files (open descriptors, O_PATH will do) can be executed. A
/// rule sits on the file's inode: the mount or path it is reached by does not matter. Each must be
/// a regular file, since a rule on a directory would admit all below it (EISDIR).
Result<Fd> execute_only(std::span<const int> files);

/// A ruleset under which files can be written, made and removed only at or below `paths`. A path
/// that does not exist is skipped. Truncation is covered from version 3 on, moves between
/// directories from version 2 on.
Result<Fd> write_only_below(std::span<const std::string> paths);

/// Binds this thread and what it forks from now on to the ruleset, for good. Needs no_new_privs.
Status restrict_self(int ruleset);

}  // namespace os
