// Looking paths up inside another root, as another user would. openat2(2).
#pragma once

#include <string>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// Opens `path` as if `root` were `/` (RESOLVE_IN_ROOT, no magic links): neither `..` nor a
/// symbolic link leads out. `flags` as for open(2); O_CLOEXEC is added.
Result<Fd> open_in_root(int root, const std::string& path, int flags);

/// What execve(2) would find in an open file.
struct ExecutableInfo {
  FileId id;
  bool regular = false;
  bool symlink = false;
  bool stays = false;  // on a read-only mount, and no tmpfs: that may be written by another mount
};
Result<ExecutableInfo> executable_info(int fd);

/// EACCES unless this thread's file-access identity may execute the open file, its mount's noexec
/// flag included. faccessat2(2).
Status may_execute(int fd);

/// ETXTBSY when someone has the file open for writing, where the kernel can be asked without
/// executing (AT_EXECVE_CHECK, Linux 6.14); success where it cannot.
Status not_being_written(int fd);

/// Up to `size` bytes from `offset`.
Result<std::string> read_at(int fd, std::size_t size, off_t offset);

}  // namespace os
