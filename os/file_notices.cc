#include "os/file_notices.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "os/retry.h"
#include "os/text.h"

namespace os {
namespace {

constexpr std::size_t kBuffer = std::size_t{64} * 1024;  // over 200 notices with the longest names

}  // namespace

Result<FileNotices> FileNotices::make() {
  FileNotices notices;
  notices.fd_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!notices.fd_.valid()) return last_error("make an inotify descriptor");
  return notices;
}

Result<int> FileNotices::watch(int directory, bool content) {
  const std::string path = join("/proc/self/fd/", directory);
  const unsigned mask = IN_ONLYDIR | IN_CREATE | IN_MOVED_TO | (content ? IN_MODIFY : 0);
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), mask | IN_MASK_ADD);
  if (watch < 0) return last_error("watch a directory");
  return watch;
}

Result<std::vector<FileNotice>> FileNotices::read() {
  alignas(inotify_event) std::array<char, kBuffer> buffer;
  const ssize_t n = retrying([&] { return ::read(fd_.get(), buffer.data(), buffer.size()); });
  if (n < 0 && errno != EAGAIN) return last_error("read file notices");
  std::vector<FileNotice> notices;
  const std::size_t end = n < 0 ? 0 : static_cast<std::size_t>(n);
  for (std::size_t at = 0; at + sizeof(inotify_event) <= end;) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof event);
    const char* name = buffer.data() + at + sizeof event;
    notices.push_back({event.wd, event.len == 0 ? std::string() : std::string(name)});
    at += sizeof event + event.len;
  }
  return notices;
}

}  // namespace os
