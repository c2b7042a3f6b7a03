#include "os/socket.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "os/retry.h"
#include "os/text.h"

namespace os {
namespace {

constexpr std::size_t kFdsSpace = CMSG_SPACE(kMaxPassedFds * sizeof(int));
constexpr std::size_t kControlSpace = kFdsSpace + CMSG_SPACE(sizeof(ucred));

Result<SocketPair> make_pair(SocketType type) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, static_cast<int>(type) | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return last_error("make a socket pair");
  }
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> make_socket(SocketType type) {
  const int fd = ::socket(AF_UNIX, static_cast<int>(type) | SOCK_CLOEXEC, 0);
  if (fd < 0) return last_error("make a socket");
  return Fd(fd);
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Error{ENAMETOOLONG, join("socket path '", path, "'")};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

void take_fds(const cmsghdr& header, std::vector<Fd>& fds) {
  const std::size_t count = (header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(&header) + i * sizeof(int), sizeof fd);
    fds.emplace_back(fd);
  }
}

void take_control(msghdr& header, Message& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_RIGHTS) take_fds(*part, message.fds);
    if (part->cmsg_type == SCM_CREDENTIALS) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
      message.sender = Peer{sender.pid, sender.uid, sender.gid};
    }
  }
}

// AF_UNIX reports ECONNRESET, once, before the data a peer sent and closed behind: the message
// comes with the next call, or the end does.
ssize_t receive(int socket, msghdr& header, int flags) {
  const auto call = [&] {
    return retrying([&] { return ::recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC); });
  };
  const std::size_t control_space = header.msg_controllen;
  ssize_t n = call();
  if (n < 0 && errno == ECONNRESET) {
    header.msg_controllen = control_space;
    n = call();
  }
  return n;
}

}  // namespace

Result<SocketPair> seqpacket_pair() { return make_pair(SocketType::seqpacket); }

Result<SocketPair> stream_pair() { return make_pair(SocketType::stream); }

Status send_message(int socket, std::string_view bytes, std::span<const int> fds, int flags) {
  if (fds.size() > kMaxPassedFds) return Error{EINVAL, join("pass ", fds.size(), " descriptors")};
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, kFdsSpace> control;
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(part), fds.data(), fds.size_bytes());
  }
  const ssize_t n = retrying([&] { return ::sendmsg(socket, &header, flags | MSG_NOSIGNAL); });
  if (n < 0) return last_error(join("send a message of ", bytes.size(), " bytes"));
  if (static_cast<std::size_t>(n) != bytes.size()) {
    return Error{EMSGSIZE, join("send a message of ", bytes.size(), " bytes")};
  }
  return {};
}

Result<Message> receive_message(int socket, std::size_t limit, int flags) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(limit);
  iovec data{buffer.get(), limit};
  alignas(cmsghdr) std::array<char, kControlSpace> control;
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t n = receive(socket, header, flags);
  if (n < 0) return last_error("receive a message");

  Message message;
  take_control(header, message);  // first: whatever happens below, the descriptors have an owner
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    return Error{EMSGSIZE, join("receive a message (limit ", limit, " bytes)")};
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0) return Error{EMFILE, "receive passed descriptors"};
  message.end = n == 0 && header.msg_controllen == 0;
  message.bytes.assign(buffer.get(), static_cast<std::size_t>(n));
  return message;
}

Result<Fd> listen_unix(const std::string& path, mode_t mode, SocketType type, int backlog) {
  const sockaddr_un address = TRY(address_of(path));
  Fd socket = TRY(make_socket(type));
  // The mode of the file is the mode of the unbound socket without the umask.
  if (::fchmod(socket.get(), mode) != 0) return last_error("set the mode of a socket");
  const mode_t old_mask = ::umask(0);
  const int bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int code = errno;
  ::umask(old_mask);
  if (bound != 0) return Error{code, join("bind socket '", path, "'")};
  if (::listen(socket.get(), backlog) != 0) return last_error(join("listen on '", path, "'"));
  return socket;
}

Result<Fd> connect_unix(const std::string& path, SocketType type) {
  const sockaddr_un address = TRY(address_of(path));
  Fd socket = TRY(make_socket(type));
  const int done = retrying([&] {
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  });
  if (done != 0) return last_error(join("connect to '", path, "'"));
  return socket;
}

Result<Fd> accept_unix(int listening) {
  const int fd = retrying([&] { return ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC); });
  if (fd < 0) return last_error("accept a connection");
  return Fd(fd);
}

Result<Peer> peer_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return last_error("read the identity of a socket's peer");
  }
  return Peer{peer.pid, peer.uid, peer.gid};
}

Peer self() { return Peer{::getpid(), ::geteuid(), ::getegid()}; }

Status stamp_senders(int socket) {
  const int on = 1;
  if (::setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return last_error("have senders stamped");
  }
  return {};
}

Status set_timeouts(int socket, std::chrono::milliseconds limit) {
  timeval time{};
  time.tv_sec = limit.count() / 1000;
  time.tv_usec = limit.count() % 1000 * 1000;
  for (const int option : {SO_SNDTIMEO, SO_RCVTIMEO}) {
    if (::setsockopt(socket, SOL_SOCKET, option, &time, sizeof time) != 0) {
      return last_error("limit how long a socket waits");
    }
  }
  return {};
}

}  // namespace os
