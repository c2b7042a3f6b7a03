// The mount API by descriptors: make, clone, change, attach. open_tree(2), fsopen(2),
// mount_setattr(2), move_mount(2). Everything needs CAP_SYS_ADMIN; kernel 5.14 or later.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// Per-mount flags, to be or-ed.
using MountFlags = std::uint64_t;
inline constexpr MountFlags kReadOnly = 0x1;
inline constexpr MountFlags kNoSuid = 0x2;
inline constexpr MountFlags kNoDev = 0x4;
inline constexpr MountFlags kNoExec = 0x8;
inline constexpr MountFlags kNoSymFollow = 0x200000;

struct TmpfsOptions {
  uid_t uid = 0;  // of the root directory
  gid_t gid = 0;
  mode_t mode = 0755;
  const char* size = nullptr;  // `16m`, `50%`; nullptr: the kernel's default, half of the memory
  bool no_swap = false;        // where the kernel has it (Linux 6.4)
};

// The new_* functions give a mount that is attached nowhere yet; closing it discards it.

Result<Fd> new_tmpfs(const TmpfsOptions& options, MountFlags flags);

/// The /proc of the caller's pid namespace, nosuid, nodev, noexec. `hide_pids`: others see no
/// process but their own (hidepid=2).
Result<Fd> new_proc(bool hide_pids);

/// A devpts of its own, nosuid and noexec; terminals in it open with mode 0620, /dev/ptmx with
/// 0666.
Result<Fd> new_devpts();

enum class Depth { one, all };  // one mount, or all below it too

/// A detached copy of the mount at `path`, which may be any file or directory below a mount point.
/// A symbolic link at the end is not followed. EINVAL: the mount is unbindable.
Result<Fd> clone_mount(const std::string& path, Depth depth);

/// The same for an open file or directory (O_PATH will do).
Result<Fd> clone_mount(int file, Depth depth);

/// Adds `flags` to a mount; with Depth::all to every mount below it.
Status add_flags(int mount, MountFlags flags, Depth depth);

/// Shows the files of a detached mount under other ids; `user_namespace` is from
/// make_id_namespace(). EINVAL: the filesystem cannot (overlay; tmpfs before Linux 6.3).
Status map_ids(int mount, int user_namespace, Depth depth);

/// MS_PRIVATE and MS_UNBINDABLE, each a call of its own: the kernel refuses both in one.
Status make_private(int mount);
Status make_unbindable(int mount);

/// MS_PRIVATE for every mount of this namespace.
Status make_all_private();

/// Puts a detached mount at `target`, an existing file or directory; a link is not followed.
Status attach_mount(int mount, const std::string& target);
Status attach_mount_at(int mount, int target);

/// Moves the mount at `from`, with all below it, to `to`. Works for unbindable mounts too.
Status move_mount_to(const std::string& from, const std::string& to);

/// Takes the mount at `path`, with all below it, out of this namespace; users keep it open.
Status detach_mount(const std::string& path);

/// Makes the mount at `path` this process's root and takes the old root out of the namespace.
/// pivot_root(2). The working directory is the new root afterwards.
Status enter_root(const std::string& path);

}  // namespace os
