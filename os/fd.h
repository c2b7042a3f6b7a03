// Owns one file descriptor.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "os/result.h"

namespace os {

/// Move-only owner of a file descriptor; closes it once, keeps errno, never retries close(2).
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// Identity of a file, the same through every mount of its filesystem.
struct FileId {
  dev_t dev = 0;
  ino_t ino = 0;
  bool operator==(const FileId&) const = default;
  auto operator<=>(const FileId&) const = default;  // NOLINT(modernize-use-nullptr): clang 14
};

struct Pipe {
  Fd read_end;
  Fd write_end;
};

/// The Error for the errno that the last call left; `step` says what was tried.
Error last_error(std::string step);

/// open(2)/openat(2) with O_CLOEXEC always added. `at` is AT_FDCWD or a directory.
Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0);
Result<Fd> open_at(int at, const std::string& path, int flags, mode_t mode = 0);

/// A CLOEXEC duplicate, numbered `lowest` or more.
Result<Fd> duplicate(int fd, int lowest = 3);

Result<Pipe> make_pipe();

/// The whole content, at most `limit` bytes; a longer file is an error (EFBIG).
Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);
Result<std::string> read_all(int fd, std::size_t limit = 1 << 20);

/// What is there, at most `limit` bytes; empty at the end of the file. Waits as read(2) does:
/// EAGAIN on a descriptor that does not wait.
Result<std::string> read_some(int fd, std::size_t limit);

/// Writes what fits, once, and tells how much that was; write(2).
Result<std::size_t> write_some(int fd, std::string_view bytes);

/// Reading and writing never wait from now on (O_NONBLOCK): for whoever else has this open file,
/// too.
Status set_nonblocking(int fd);

/// Writes all bytes or fails; short writes and EINTR are retried.
Status write_all(int fd, std::string_view bytes);
Status write_file(const std::string& path, std::string_view bytes, mode_t mode = 0644);

/// dev and inode, by descriptor or by path (symbolic links followed unless AT_SYMLINK_NOFOLLOW).
Result<FileId> file_id(int fd);
Result<FileId> file_id_at(int at, const std::string& path, int flags = 0);

/// The size that stat(2) gives; of /proc/PID/fd the number of descriptors (Linux 6.2; 0 before).
Result<std::uint64_t> size_at(int at, const std::string& path);

/// The target of a symbolic link, up to PATH_MAX.
Result<std::string> read_link_at(int at, const std::string& path);

/// True for a file whose content is there to be read: no pipe, socket or device.
Result<bool> is_regular(int fd);

/// True for /dev/null.
bool is_null_device(int fd);

/// An anonymous file holding `bytes`, read offset at 0, not executable where the kernel can say so.
Result<Fd> memory_file(const char* name, std::string_view bytes);

/// Clears or sets FD_CLOEXEC.
Status set_cloexec(int fd, bool on);

/// Closes every descriptor from `first` on that is not in `keep` (ascending order).
void close_from(int first, std::initializer_list<int> keep = {});

}  // namespace os
