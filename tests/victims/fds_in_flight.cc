// Descriptors on their way in sockets count for a user's low RLIMIT_NOFILE (unix(7), ETOOMANYREFS).
//   fds_in_flight PROGRAM ARGS...     executed while there are too many of them, for a moment
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>

#include "tests/victims/victim.h"

namespace {

constexpr std::size_t kAtOnce = 200;  // at most 253 in one message, SCM_MAX_FD
constexpr rlim_t kLimit = 64;

struct Message {
  std::array<char, CMSG_SPACE(kAtOnce * sizeof(int))> control{};
  char byte = 0;
  iovec part{&byte, 1};
  msghdr header{};
  Message() {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }
};

void send_many(int socket) {
  std::array<int, kAtOnce> numbers{};
  numbers.fill(socket);
  Message message;
  cmsghdr* part = CMSG_FIRSTHDR(&message.header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof numbers);
  std::memcpy(CMSG_DATA(part), numbers.data(), sizeof numbers);
  if (sendmsg(socket, &message.header, 0) != 1)
    victim::give_up("sendmsg: " + victim::errno_name(errno));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) victim::give_up("wants a program");
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return 1;
  send_many(ends[0]);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit files = {kLimit, kLimit};
    if (setrlimit(RLIMIT_NOFILE, &files) == 0) execv(argv[1], argv + 1);
    _exit(99);
  }
  usleep(300000);
  close(ends[1]);  // and with it what was never received
  victim::say("end", victim::end_of(child));
  return 0;
}
