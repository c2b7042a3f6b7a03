#include "os/append_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/retry.h"
#include "os/text.h"

namespace os {
namespace {

// How much more than asked reserve() takes at once.
constexpr std::uint64_t kReserveStep = std::uint64_t{128} * 1024;

}  // namespace

Result<AppendFile> AppendFile::open(const std::string& path, mode_t mode) {
  AppendFile file(TRY(open_file(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, mode)));
  TRY_STEP(file.look(), join("'", path, "'"));
  return file;
}

Result<AppendFile> AppendFile::adopt(int fd) {
  AppendFile file(TRY(duplicate(fd)));
  TRY(file.look());
  const int flags = ::fcntl(file.fd_.get(), F_GETFL);
  const bool fit = (flags & O_ACCMODE) == O_RDWR && (flags & O_APPEND) != 0;
  if (file.regular_ && !fit) return Error{EBADF, "not opened for reading and appending"};
  return file;
}

Status AppendFile::look() {
  struct stat state {};
  if (::fstat(fd_.get(), &state) != 0) return last_error("look at the file to append to");
  regular_ = S_ISREG(state.st_mode);
  size_ = regular_ ? static_cast<std::uint64_t>(state.st_size) : 0;
  return {};
}

Status AppendFile::append(std::string_view bytes) {
  Status written = write_all(fd_.get(), bytes);
  if (!regular_) return written;
  if (written.ok()) {
    size_ += bytes.size();
    return written;
  }
  // A second failure here is found by whoever looks at the tail; the first one is the reason.
  if (truncate(size_).ok()) reserved_end_ = 0;
  return written;
}

Status AppendFile::reserve(std::uint64_t bytes) {
  if (!regular_ || size_ + bytes <= reserved_end_) return {};
  const std::uint64_t wanted = bytes + kReserveStep;
  const int done = retrying([&] {
    return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_),
                       static_cast<off_t>(wanted));
  });
  if (done != 0 && errno != EOPNOTSUPP && errno != ENOSYS) return last_error("reserve room");
  reserved_end_ = size_ + wanted;
  return {};
}

Status AppendFile::release_reserve() { return truncate(size_); }

Result<std::string> AppendFile::tail(std::size_t limit) const {
  if (!regular_) return std::string();
  const std::uint64_t start = size_ - std::min<std::uint64_t>(size_, limit);
  std::string bytes(size_ - start, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t n = retrying([&] {
      return ::pread(fd_.get(), bytes.data() + have, bytes.size() - have,
                     static_cast<off_t>(start + have));
    });
    if (n < 0) return last_error("read the end of the file");
    if (n == 0) return Error{EIO, "read the end of the file: it shrank"};
    have += static_cast<std::size_t>(n);
  }
  return bytes;
}

Status AppendFile::truncate(std::uint64_t size) {
  if (!regular_) return {};
  const int done = retrying([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); });
  if (done != 0) return last_error(join("cut the file to ", size, " bytes"));
  size_ = size;
  reserved_end_ = 0;
  return {};
}

Status AppendFile::sync() {
  if (!regular_) return {};
  if (retrying([&] { return ::fdatasync(fd_.get()); }) != 0) return last_error("sync the file");
  return {};
}

Status AppendFile::lock() {
  const int done = retrying([&] { return ::flock(fd_.get(), LOCK_EX | LOCK_NB); });
  if (done != 0) return last_error("lock the file");
  return {};
}

}  // namespace os
