#include "os/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "os/fd.h"
#include "os/retry.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS  // Linux 6.6; absent in Debian 12's headers
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

namespace os {
namespace {

constexpr int kRestartNoIntr = 513;          // ERESTARTNOINTR, include/linux/errno.h
constexpr std::uint64_t kSyncWakeUp = 1ULL;  // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP

bool send_answer(int listener, std::uint64_t id, int error, std::uint32_t flags) {
  seccomp_notif_resp response{};
  response.id = id;
  response.error = error;
  response.flags = flags;
  return retrying([&] { return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response); }) == 0;
}

}  // namespace

Pending::~Pending() {
  if (slot_ != nullptr) answer(-EIO, 0);
}

bool Pending::still_valid() const {
  std::uint64_t id = slot_->id;
  return ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

Result<int> Pending::add_fd(int fd, bool cloexec) const {
  seccomp_notif_addfd request{};
  request.id = slot_->id;
  request.srcfd = static_cast<std::uint32_t>(fd);
  request.newfd_flags = cloexec ? O_CLOEXEC : 0;
  const int number =
      retrying([&] { return ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ADDFD, &request); });
  if (number < 0) return last_error("install a descriptor in the caller");
  return number;
}

void Pending::refuse(int code) && { answer(-code, 0); }
bool Pending::restart() && { return answer(-kRestartNoIntr, 0); }
void Pending::proceed() && { answer(0, SECCOMP_USER_NOTIF_FLAG_CONTINUE); }

bool Pending::answer(int error, std::uint32_t flags) {
  const bool delivered = send_answer(listener_, slot_->id, error, flags);  // or nothing is owed
  slot_->id = 0;
  slot_ = nullptr;
  return delivered;
}

Status receive(int listener, seccomp_notif& slot) {
  for (;;) {
    std::memset(&slot, 0, sizeof slot);  // the kernel insists on zeroes
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &slot) == 0) return {};
    if (errno != EINTR && errno != ENOENT) return last_error("receive a notification");
    // ENOENT is said of one caller that died, and for ever once nobody uses the filter.
    if (errno == ENOENT) TRY(poll_listener(listener, 0));
  }
}

bool refuse_notification(int listener, std::uint64_t id, int code) {
  return send_answer(listener, id, -code, 0);
}

Result<bool> poll_listener(int listener, int milliseconds) {
  pollfd entry{listener, POLLIN, 0};
  const int ready = retrying([&] { return ::poll(&entry, 1, milliseconds); });
  if (ready < 0) return last_error("poll the listener");
  if ((entry.revents & POLLIN) != 0) return true;
  if (entry.revents != 0) return Error{EPIPE, "poll the listener"};
  return false;
}

bool prefer_same_cpu(int listener) {
  return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, kSyncWakeUp) == 0;
}

}  // namespace os
