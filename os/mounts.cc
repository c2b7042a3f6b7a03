#include "os/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "os/text.h"

namespace os {
namespace {

static_assert(kReadOnly == MOUNT_ATTR_RDONLY && kNoSuid == MOUNT_ATTR_NOSUID);
static_assert(kNoDev == MOUNT_ATTR_NODEV && kNoExec == MOUNT_ATTR_NOEXEC);
static_assert(kNoSymFollow == MOUNT_ATTR_NOSYMFOLLOW);

// A filesystem that is being configured, before it becomes a mount.
class NewFilesystem {
 public:
  static Result<NewFilesystem> open(const char* type) {
    const int fd = ::fsopen(type, FSOPEN_CLOEXEC);
    if (fd < 0) return last_error(join("open filesystem ", type));
    NewFilesystem made(type, Fd(fd));
    TRY(made.set("source", type));
    return made;
  }

  Status set(const char* key, const std::string& value) {
    if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0) return {};
    return last_error(join("set ", key, "=", value, " on ", type_));
  }

  Status set_flag(const char* key) {
    if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key, nullptr, 0) == 0) return {};
    return last_error(join("set ", key, " on ", type_));
  }

  Result<Fd> mount(MountFlags flags) {
    if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
      return last_error(join("create ", type_));
    }
    const int fd = ::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(flags));
    if (fd < 0) return last_error(join("mount ", type_));
    return Fd(fd);
  }

 private:
  NewFilesystem(const char* type, Fd fd) : type_(type), fd_(std::move(fd)) {}
  const char* type_;
  Fd fd_;
};

std::string octal(mode_t mode) {
  std::array<char, 16> text{};
  const int size = std::snprintf(text.data(), text.size(), "%o", mode);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

unsigned recursive(Depth depth) { return depth == Depth::all ? AT_RECURSIVE : 0U; }

Status change(int mount, const mount_attr& change, Depth depth, const char* step) {
  mount_attr copy = change;
  if (::mount_setattr(mount, "", AT_EMPTY_PATH | recursive(depth), &copy, sizeof(copy)) == 0) {
    return {};
  }
  return last_error(step);
}

}  // namespace

Result<Fd> new_tmpfs(const TmpfsOptions& options, MountFlags flags) {
  NewFilesystem tmpfs = TRY(NewFilesystem::open("tmpfs"));
  TRY(tmpfs.set("uid", std::to_string(options.uid)));
  TRY(tmpfs.set("gid", std::to_string(options.gid)));
  TRY(tmpfs.set("mode", octal(options.mode)));
  if (options.size != nullptr) TRY(tmpfs.set("size", options.size));
  if (options.no_swap) (void)tmpfs.set_flag("noswap").ok();  // EINVAL before Linux 6.4
  return tmpfs.mount(flags);
}

Result<Fd> new_proc(bool hide_pids) {
  NewFilesystem proc = TRY(NewFilesystem::open("proc"));
  if (hide_pids) TRY(proc.set("hidepid", "2"));
  return proc.mount(kNoSuid | kNoDev | kNoExec);
}

Result<Fd> new_devpts() {
  NewFilesystem devpts = TRY(NewFilesystem::open("devpts"));
  TRY(devpts.set("ptmxmode", "0666"));
  TRY(devpts.set("mode", "0620"));
  return devpts.mount(kNoSuid | kNoExec);
}

Result<Fd> clone_mount(const std::string& path, Depth depth) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW;
  const int fd = ::open_tree(AT_FDCWD, path.c_str(), flags | recursive(depth));
  if (fd < 0) return last_error(join("clone mount '", path, "'"));
  return Fd(fd);
}

Result<Fd> clone_mount(int file, Depth depth) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
  const int fd = ::open_tree(file, "", flags | recursive(depth));
  if (fd < 0) return last_error(join("clone mount of fd ", file));
  return Fd(fd);
}

Status add_flags(int mount, MountFlags flags, Depth depth) {
  mount_attr wanted{};
  wanted.attr_set = flags;
  return change(mount, wanted, depth, "change mount flags");
}

Status map_ids(int mount, int user_namespace, Depth depth) {
  mount_attr wanted{};
  wanted.attr_set = MOUNT_ATTR_IDMAP;
  wanted.userns_fd = static_cast<__u64>(user_namespace);
  return change(mount, wanted, depth, "map ids of mount");
}

Status make_private(int mount) {
  mount_attr wanted{};
  wanted.propagation = MS_PRIVATE;
  return change(mount, wanted, Depth::one, "make mount private");
}

Status make_unbindable(int mount) {
  mount_attr wanted{};
  wanted.propagation = MS_UNBINDABLE;
  return change(mount, wanted, Depth::one, "make mount unbindable");
}

Status make_all_private() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return {};
  return last_error("make all mounts private");
}

Status attach_mount(int mount, const std::string& target) {
  if (::move_mount(mount, "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0) return {};
  return last_error(join("attach mount at '", target, "'"));
}

Status attach_mount_at(int mount, int target) {
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (::move_mount(mount, "", target, "", flags) == 0) return {};
  return last_error(join("attach mount at fd ", target));
}

Status move_mount_to(const std::string& from, const std::string& to) {
  if (::move_mount(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0) == 0) return {};
  return last_error(join("move mount '", from, "' to '", to, "'"));
}

Status detach_mount(const std::string& path) {
  if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
  return last_error(join("detach mount '", path, "'"));
}

Status enter_root(const std::string& path) {
  if (::chdir(path.c_str()) != 0) return last_error(join("enter '", path, "'"));
  // With the same directory twice the old root ends up on top of the new one, no put_old needed.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return last_error(join("pivot to '", path, "'"));
  if (::umount2(".", MNT_DETACH) != 0) return last_error("detach the old root");
  if (::chdir("/") != 0) return last_error("enter the new root");
  return {};
}

}  // namespace os
