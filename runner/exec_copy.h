// One trapped exec, copied out of its caller once. Nothing is decided from the caller's memory
// later.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <string>

#include "os/creds.h"
#include "os/fd.h"
#include "os/foreign_memory.h"
#include "policy/exec_request.h"

namespace runner {

/// What the caller asked for.
struct ExecCopy {
  policy::ExecRequest request;  // path: absolute; own_program is for others to fill in
  std::string given;            // the path the command is executed with: `$0` of a script
  bool own_exe = false;         // the path was /proc/self/exe
  bool no_follow = false;       // AT_SYMLINK_NOFOLLOW
  bool closes = false;          // the path goes through a descriptor that an exec closes
  os::FileId cwd;
  std::uint64_t path_end = 0;  // address of the NUL that ends the caller's path
  std::uint64_t argv = 0;      // addresses of the arrays, for the exec of the relay
  std::uint64_t envp = 0;
};

/// Reads /proc of PID 1's namespace through one descriptor; the numbers of notifications are its.
class TaskFiles {
 public:
  /// `as`: without CAP_SYS_PTRACE, the user whose tasks these are; what a task of another user, or
  /// one that is not dumpable, has is EACCES then.
  explicit TaskFiles(int proc, std::optional<uid_t> as = {}) : proc_(proc), as_(as) {}
  std::optional<uid_t> as() const { return as_; }
  os::Result<std::string> link(pid_t tid, const std::string& name) const;
  os::Result<os::FileId> id(pid_t tid, const std::string& name) const;
  /// /proc/TID/fd/N; that directory belongs to the task's user, or to root where the task is not
  /// dumpable.
  os::Result<std::string> descriptor(pid_t tid, int fd, uid_t owner) const;
  /// Whether it is close-on-exec; false if it cannot be told.
  bool closes_on_exec(pid_t tid, int fd) const;
  /// The process that a task belongs to.
  os::Result<pid_t> group(pid_t tid) const;
  /// Whether `wanted` descriptors more fit into its table, up to the hard limit. True where the
  /// kernel does not tell how many it has (before Linux 6.2).
  bool has_room(pid_t tid, std::uint64_t wanted) const;

 private:
  os::Result<std::optional<os::FsUser>> reader() const;

  int proc_;
  std::optional<uid_t> as_;
};

/// Copies what names the program: the path, and the working directory if the path is relative. Most
/// execs of a PATH search end after that. `memory` is the caller's. An error's code is what the
/// caller gets: EFAULT, ENAMETOOLONG, EBADF, EINVAL (unknown flags), ENOENT (empty path), EACCES
/// (AT_EXECVE_CHECK: no program of ours runs where it would say yes).
os::Result<ExecCopy> copy_location(pid_t tid, const seccomp_data& data, os::ForeignMemory& memory,
                                   const TaskFiles& files, uid_t cli_uid);

/// Copies argv, envp and the working directory. EFAULT, E2BIG.
os::Status copy_rest(pid_t tid, os::ForeignMemory& memory, const TaskFiles& files, ExecCopy& copy);

}  // namespace runner
