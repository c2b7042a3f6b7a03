// A file that only grows, by whole records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// Owns the descriptor. Anything but a regular file (a pipe, a terminal) can only be appended to:
/// it has size 0 and no tail, and reserve(), truncate() and sync() do nothing.
class AppendFile {
 public:
  AppendFile() = default;

  /// Opens or makes the file at `path`; a symbolic link there is ELOOP.
  static Result<AppendFile> open(const std::string& path, mode_t mode);

  /// Takes a duplicate of `fd`; a regular file must be opened O_RDWR|O_APPEND (else EBADF).
  static Result<AppendFile> adopt(int fd);

  bool valid() const { return fd_.valid(); }
  bool regular() const { return regular_; }
  std::uint64_t size() const { return size_; }

  /// Writes all of `bytes` at the end or, in a regular file, nothing: what a full disk took is cut
  /// off again.
  Status append(std::string_view bytes);

  /// Makes sure that `bytes` more can be appended on a disk that fills up; fallocate(2), in steps,
  /// so that most calls cost nothing. A filesystem that cannot reserve is not an error.
  Status reserve(std::uint64_t bytes);

  /// Gives back what reserve() took.
  Status release_reserve();

  /// The last bytes of the file, at most `limit`.
  Result<std::string> tail(std::size_t limit) const;

  /// Cuts the file to `size` bytes, which must not be more than it has.
  Status truncate(std::uint64_t size);

  /// Brings the content to the disk; fdatasync(2).
  Status sync();

  /// Keeps every other holder of lock() away until the last duplicate is closed; flock(2).
  /// EWOULDBLOCK when another has it.
  Status lock();

 private:
  explicit AppendFile(Fd fd) : fd_(std::move(fd)) {}
  Status look();

  Fd fd_;
  bool regular_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t reserved_end_ = 0;
};

}  // namespace os
