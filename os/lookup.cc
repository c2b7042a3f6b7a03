#include "os/lookup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "os/retry.h"
#include "os/text.h"

#ifndef AT_EXECVE_CHECK  // Linux 6.14; absent in Debian 12's headers
#define AT_EXECVE_CHECK 0x10000
#endif

namespace os {

Result<Fd> open_in_root(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const auto fd =
      retrying([&] { return ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how); });
  if (fd < 0) return last_error(join("look up '", printable(path), "'"));
  return Fd(static_cast<int>(fd));
}

Result<ExecutableInfo> executable_info(int fd) {
  struct stat info {};
  struct statfs system {};
  if (::fstat(fd, &info) != 0 || ::fstatfs(fd, &system) != 0) return last_error("stat a program");
  ExecutableInfo out;
  out.id = {info.st_dev, info.st_ino};
  out.regular = S_ISREG(info.st_mode);
  out.symlink = S_ISLNK(info.st_mode);
  out.stays = (system.f_flags & ST_RDONLY) != 0 && system.f_type != TMPFS_MAGIC;
  return out;
}

Status may_execute(int fd) {
  if (::syscall(SYS_faccessat2, fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) != 0) {
    return last_error("execute a program");
  }
  return {};
}

Status not_being_written(int fd) {
  const std::array<const char*, 2> argv{"check", nullptr};
  const std::array<const char*, 1> envp{nullptr};
  if (::syscall(SYS_execveat, fd, "", argv.data(), envp.data(), AT_EMPTY_PATH | AT_EXECVE_CHECK) ==
          0 ||
      errno != ETXTBSY) {
    return {};
  }
  return last_error("execute a program");
}

Result<std::string> read_at(int fd, std::size_t size, off_t offset) {
  std::string out(size, '\0');
  const ssize_t n = retrying([&] { return ::pread(fd, out.data(), size, offset); });
  if (n < 0) return last_error("read a program");
  out.resize(static_cast<std::size_t>(n));
  return out;
}

}  // namespace os
