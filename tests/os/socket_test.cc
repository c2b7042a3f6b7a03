#include "os/socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

std::string scratch_directory() {
  std::string path = "/tmp/socket_test.XXXXXX";
  REQUIRE(::mkdtemp(path.data()) != nullptr);
  return path;
}

bool is_cloexec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

}  // namespace

TEST_CASE("a message arrives whole, with its descriptors owned and close-on-exec") {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  auto pipe = os::make_pipe();
  REQUIRE(pipe.ok());
  const int passed[] = {pipe.value().write_end.get()};
  REQUIRE(os::send_message(pair.value().first.get(), "hello", passed).ok());

  auto message = os::receive_message(pair.value().second.get());
  REQUIRE(message.ok());
  CHECK(message.value().bytes == "hello");
  CHECK_FALSE(message.value().end);
  CHECK_FALSE(message.value().sender.has_value());
  REQUIRE(message.value().fds.size() == 1);
  CHECK(is_cloexec(message.value().fds[0].get()));
  REQUIRE(os::write_all(message.value().fds[0].get(), "x").ok());
  char byte = 0;
  CHECK(::read(pipe.value().read_end.get(), &byte, 1) == 1);
}

TEST_CASE("the most descriptors the kernel passes at once arrive, one more is refused") {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  std::vector<int> fds(os::kMaxPassedFds, 0);
  REQUIRE(os::send_message(pair.value().first.get(), "many", fds).ok());
  auto message = os::receive_message(pair.value().second.get());
  REQUIRE(message.ok());
  CHECK(message.value().fds.size() == os::kMaxPassedFds);

  fds.push_back(0);
  const auto refused = os::send_message(pair.value().first.get(), "more", fds);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == EINVAL);
}

TEST_CASE("a message longer than the limit is an error, and its descriptors are closed") {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  auto pipe = os::make_pipe();
  REQUIRE(pipe.ok());
  const int passed[] = {pipe.value().write_end.get()};
  REQUIRE(os::send_message(pair.value().first.get(), "0123456789", passed).ok());
  pipe.value().write_end.reset();

  const auto cut = os::receive_message(pair.value().second.get(), 4);
  REQUIRE_FALSE(cut.ok());
  CHECK(cut.error().code == EMSGSIZE);
  char byte = 0;
  CHECK(::read(pipe.value().read_end.get(), &byte, 1) == 0);  // no writer is left anywhere
}

TEST_CASE("the end of the peer is seen after everything it sent, even if it left data unread") {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  REQUIRE(os::send_message(pair.value().first.get(), "never read").ok());
  REQUIRE(os::send_message(pair.value().second.get(), "last words").ok());
  pair.value().second.reset();

  auto message = os::receive_message(pair.value().first.get());
  REQUIRE(message.ok());
  CHECK(message.value().bytes == "last words");
  message = os::receive_message(pair.value().first.get());
  REQUIRE(message.ok());
  CHECK(message.value().end);

  const auto refused = os::send_message(pair.value().first.get(), "anyone?");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == EPIPE);  // and no SIGPIPE ended this test
}

TEST_CASE("an empty socket says EAGAIN when asked not to wait") {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  const auto none = os::receive_message(pair.value().first.get(), 100, MSG_DONTWAIT);
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code == EAGAIN);
}

TEST_CASE("a stamped socket tells who sent each message, an empty one too") {
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  REQUIRE(os::stamp_senders(pair.value().second.get()).ok());
  const pid_t child = ::fork();
  if (child == 0) {
    const bool sent = os::send_message(pair.value().first.get(), "").ok();
    ::_exit(sent ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);

  auto message = os::receive_message(pair.value().second.get());
  REQUIRE(message.ok());
  CHECK_FALSE(message.value().end);
  REQUIRE(message.value().sender.has_value());
  CHECK(message.value().sender->pid == child);
  CHECK(message.value().sender->uid == ::getuid());
}

TEST_CASE("a listening socket has its mode whatever the umask, and knows who connects") {
  const std::string directory = scratch_directory();
  const std::string path = directory + "/s";
  const mode_t old_mask = ::umask(077);
  auto listening = os::listen_unix(path, 0666, os::SocketType::seqpacket);
  CHECK(::umask(old_mask) == 077);
  REQUIRE(listening.ok());
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0666);

  auto client = os::connect_unix(path, os::SocketType::seqpacket);
  REQUIRE(client.ok());
  auto server = os::accept_unix(listening.value().get());
  REQUIRE(server.ok());
  CHECK(is_cloexec(server.value().get()));
  auto peer = os::peer_of(server.value().get());
  REQUIRE(peer.ok());
  CHECK(peer.value().pid == ::getpid());
  CHECK(peer.value().gid == ::getgid());
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

TEST_CASE("a path too long for a socket is refused, not cut") {
  const std::string path(200, 'a');
  const auto refused = os::connect_unix(path, os::SocketType::stream);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ENAMETOOLONG);
}
