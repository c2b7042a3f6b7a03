// The supervisor's end of a seccomp user-notification filter, seccomp_unotify(2).
#pragma once

#include <linux/seccomp.h>

#include <cstdint>

#include "os/result.h"

namespace os {

/// A notification owed an answer. Exactly one of the answers below ends it; a Pending that is
/// dropped answers EIO, so that no caller is ever left waiting.
/// The notification lives in a slot of the caller's choice, whose id is zeroed once answered.
class Pending {
 public:
  /// `slot` must hold a notification received from `listener` and outlive the Pending.
  Pending(int listener, seccomp_notif& slot) : listener_(listener), slot_(&slot) {}
  Pending(Pending&& other) noexcept : listener_(other.listener_), slot_(other.slot_) {
    other.slot_ = nullptr;
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  Pending& operator=(Pending&&) = delete;
  ~Pending();

  const seccomp_notif& notification() const { return *slot_; }

  /// False once the caller has died or been interrupted (SECCOMP_IOCTL_NOTIF_ID_VALID): what was
  /// read from its memory before that may belong to another process.
  bool still_valid() const;

  /// Installs a duplicate of `fd` in the caller and gives its number there
  /// (SECCOMP_IOCTL_NOTIF_ADDFD). ENOENT: the caller is gone. O_PATH descriptors are refused.
  Result<int> add_fd(int fd, bool cloexec) const;

  /// The system call fails with `code`, an errno value.
  void refuse(int code) &&;
  /// The system call is started again (-ERESTARTNOINTR): a tracer is waiting for it. False: the
  /// caller is gone, or was interrupted; its number may be somebody else's.
  bool restart() &&;
  /// The system call runs as it stands. Only for callers whose memory nobody else can write.
  void proceed() &&;

 private:
  bool answer(int error, std::uint32_t flags);

  int listener_;
  seccomp_notif* slot_;
};

/// Waits for the next notification and stores it in `slot`. A signal, or a caller that died first,
/// does not end the wait. EPIPE: no task uses the filter any more.
Status receive(int listener, seccomp_notif& slot);

/// Answers the notification `id` with an errno value; false if nobody waits for it any more.
bool refuse_notification(int listener, std::uint64_t id, int code);

/// True when a notification can be received within `milliseconds` (-1: wait for ever).
/// Error EPIPE: no task uses the filter any more (POLLHUP).
Result<bool> poll_listener(int listener, int milliseconds);

/// Wakes the receiver on the caller's CPU where the kernel can (Linux 6.6); false where it cannot.
bool prefer_same_cpu(int listener);

}  // namespace os
