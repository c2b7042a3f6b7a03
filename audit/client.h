// Sends events to agent-auditd.
#pragma once

#include "audit/event.h"
#include "audit/shared_state.h"
#include "os/result.h"
#include "os/socket.h"

namespace audit {

/// The socket pair between the senders (`first`) and agent-auditd (`second`): SEQPACKET, senders
/// are stamped, a blocked sender gives up after a second. PID 1 makes it once and keeps both ends
/// open, so that what was sent outlives any incarnation of the daemon and of the senders.
os::Result<os::SocketPair> make_channel();

/// Thread-safe; every sender has one of its own over the same socket. Nothing is allocated that
/// outlives a call, nothing waits but record() on a full socket.
class Client {
 public:
  /// `socket` is the first end of make_channel(), borrowed. `redactor`, when given, is asked for
  /// every event and outlives the client.
  Client(int socket, SharedState* state, const Redactor* redactor = nullptr)
      : socket_(socket), state_(state), redactor_(redactor) {}

  /// For what must not happen unrecorded. Success means that the record outlives this process and
  /// that there is room for it in the log. ENOSPC and its like: the log cannot be written now, or
  /// EAGAIN: agent-auditd took nothing for a second. The caller then leaves the effect undone.
  os::Status record(const Event& event) const;

  /// For what may be missing. Never waits; what cannot be sent at once is counted, and the log
  /// says so in a record `events-dropped`.
  void offer(const Event& event) const;

  /// The last message of a session, from PID 1 only: agent-auditd writes all that was sent before,
  /// brings it to the disk and exits 0.
  os::Status finish() const;

 private:
  os::Status send(const Event& event, int flags) const;

  int socket_;
  SharedState* state_;
  const Redactor* redactor_;
};

}  // namespace audit
