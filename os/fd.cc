#include "os/fd.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <vector>

#include "os/retry.h"
#include "os/text.h"

namespace os {

void Fd::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old < 0) return;
  const int saved = errno;
  ::close(old);
  errno = saved;
}

Error last_error(std::string step) { return Error{errno, std::move(step)}; }

Result<Fd> open_file(const std::string& path, int flags, mode_t mode) {
  return open_at(AT_FDCWD, path, flags, mode);
}

Result<Fd> open_at(int at, const std::string& path, int flags, mode_t mode) {
  const int fd = retrying([&] { return ::openat(at, path.c_str(), flags | O_CLOEXEC, mode); });
  if (fd < 0) return last_error(join("open '", path, "'"));
  return Fd(fd);
}

Result<Fd> duplicate(int fd, int lowest) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, lowest);
  if (copy < 0) return last_error(join("duplicate fd ", fd));
  return Fd(copy);
}

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return last_error("make a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<std::string> read_all(int fd, std::size_t limit) {
  std::string out;
  std::vector<char> buffer(1 << 16);
  for (;;) {
    const ssize_t n = retrying([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (n < 0) return last_error(join("read fd ", fd));
    if (n == 0) return out;
    if (out.size() + static_cast<std::size_t>(n) > limit) {
      return Error{EFBIG, join("read fd ", fd, " (limit ", limit, " bytes)")};
    }
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd = TRY(open_file(path, O_RDONLY));
  return TRY_STEP(read_all(fd.get(), limit), join("read '", path, "'"));
}

Result<std::string> read_some(int fd, std::size_t limit) {
  std::string bytes(limit, '\0');
  const ssize_t size = retrying([&] { return ::read(fd, bytes.data(), bytes.size()); });
  if (size < 0) return last_error(join("read fd ", fd));
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

Result<std::size_t> write_some(int fd, std::string_view bytes) {
  const ssize_t size = retrying([&] { return ::write(fd, bytes.data(), bytes.size()); });
  if (size < 0) return last_error(join("write to fd ", fd));
  return static_cast<std::size_t>(size);
}

Status set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return last_error(join("make fd ", fd, " non-blocking"));
  }
  return {};
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = retrying([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (n < 0) return last_error(join("write fd ", fd));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status write_file(const std::string& path, std::string_view bytes, mode_t mode) {
  const Fd fd = TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  TRY_STEP(write_all(fd.get(), bytes), join("write '", path, "'"));
  return {};
}

Result<bool> is_regular(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return last_error(join("stat fd ", fd));
  return S_ISREG(info.st_mode);
}

Result<FileId> file_id(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return last_error(join("stat fd ", fd));
  return FileId{info.st_dev, info.st_ino};
}

Result<FileId> file_id_at(int at, const std::string& path, int flags) {
  struct stat info {};
  if (::fstatat(at, path.c_str(), &info, flags) != 0) return last_error(join("stat '", path, "'"));
  return FileId{info.st_dev, info.st_ino};
}

Result<std::uint64_t> size_at(int at, const std::string& path) {
  struct stat info {};
  if (::fstatat(at, path.c_str(), &info, 0) != 0) return last_error(join("stat '", path, "'"));
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::string> read_link_at(int at, const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t n = ::readlinkat(at, path.c_str(), buffer.data(), buffer.size());
  if (n < 0) return last_error(join("read link '", path, "'"));
  if (static_cast<std::size_t>(n) == buffer.size()) {
    return Error{ENAMETOOLONG, join("read link '", path, "'")};
  }
  return std::string(buffer.data(), static_cast<std::size_t>(n));
}

bool is_null_device(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

Result<Fd> memory_file(const char* name, std::string_view bytes) {
#ifndef MFD_NOEXEC_SEAL
  constexpr unsigned kNoExecSeal = 8U;  // Linux 6.3; absent in Debian 12's headers
#else
  constexpr unsigned kNoExecSeal = MFD_NOEXEC_SEAL;
#endif
  int fd = ::memfd_create(name, MFD_CLOEXEC | kNoExecSeal);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return last_error(join("create memory file ", name));
  Fd owner(fd);
  TRY_STEP(write_all(fd, bytes), join("fill memory file ", name));
  if (::lseek(fd, 0, SEEK_SET) != 0) return last_error(join("rewind memory file ", name));
  return owner;
}

Status set_cloexec(int fd, bool on) {
  if (::fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) != 0) return last_error("set FD_CLOEXEC");
  return {};
}

void close_from(int first, std::initializer_list<int> keep) {
  int next = first;
  for (const int kept : keep) {
    if (kept < next) continue;
    if (kept > next) ::close_range(static_cast<unsigned>(next), static_cast<unsigned>(kept - 1), 0);
    next = kept + 1;
  }
  ::close_range(static_cast<unsigned>(next), ~0U, 0);
}

}  // namespace os
