// Unix-domain sockets that carry whole messages, descriptors and the sender's identity.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// The kernel refuses to pass more descriptors than this in one message (SCM_MAX_FD).
inline constexpr std::size_t kMaxPassedFds = 253;

struct SocketPair {
  Fd first;
  Fd second;
};

/// Who is at the other end, as the kernel knows it; pid is in the reader's pid namespace, 0 if the
/// sender cannot be seen from there.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Message {
  std::string bytes;
  std::vector<Fd> fds;
  std::optional<Peer> sender;  ///< only on sockets with stamp_senders()
  bool end = false;            ///< the peer closed; nothing else is set
};

enum class SocketType : int { seqpacket = SOCK_SEQPACKET, stream = SOCK_STREAM };

/// A connected pair, both ends close-on-exec; unix(7). Messages keep their bounds, the end of the
/// peer is seen.
Result<SocketPair> seqpacket_pair();
Result<SocketPair> stream_pair();

/// Sends one message with up to kMaxPassedFds borrowed descriptors. On a stream socket a short
/// write is EMSGSIZE. SIGPIPE is never raised: a peer that is gone is EPIPE. `flags` as for
/// sendmsg(2); with MSG_DONTWAIT a full socket is EAGAIN.
Status send_message(int socket, std::string_view bytes, std::span<const int> fds = {},
                    int flags = 0);

/// Receives one message of at most `limit` bytes. Every received descriptor is owned and
/// close-on-exec. EMSGSIZE when bytes were cut off, EMFILE when descriptors were (the kernel drops
/// those that do not fit into our table); the rest of that message is closed. With MSG_DONTWAIT
/// an empty socket is EAGAIN.
Result<Message> receive_message(int socket, std::size_t limit = 1 << 20, int flags = 0);

/// A listening socket at `path`, which must not exist. The file has exactly `mode` from the moment
/// it appears. Changes the process's umask for a moment: not while other threads create files.
Result<Fd> listen_unix(const std::string& path, mode_t mode, SocketType type, int backlog = 64);
Result<Fd> connect_unix(const std::string& path, SocketType type);
Result<Fd> accept_unix(int listening);

/// The identity of the process that connected or made the pair (SO_PEERCRED).
Result<Peer> peer_of(int socket);

/// This process, as a peer in its own pid namespace sees it.
Peer self();

/// From now on each received message carries its sender's identity (SO_PASSCRED).
Status stamp_senders(int socket);

/// From now on a send or receive that would wait longer fails with EAGAIN (SO_SNDTIMEO,
/// SO_RCVTIMEO); socket(7).
Status set_timeouts(int socket, std::chrono::milliseconds limit);

}  // namespace os
