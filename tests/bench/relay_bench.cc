// Measures how long agent-relay takes from its execve to the moment its descriptors are on their
// way to the sandbox. Serves requests as spawn_bench does: COUNT 1 RELAY, answered by
// RUNS 0 OTHER ELAPSED SAMPLE... (nanoseconds).
//
// The child notes the time just before execve; the end is the time stamp that the kernel puts on
// the relay's message when it is sent (SO_TIMESTAMPNS), so nobody's wake-up counts.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "runner/sandbox_protocol.h"

namespace {

long long nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

long long now() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

/// The time at which the relay's message was sent; 0 when none came.
long long receive_hello(int socket) {
  runner::Hello hello{};
  iovec buffer{&hello, sizeof hello};
  alignas(cmsghdr) char control[256];
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(socket, &message, 0) <= 0 || hello.magic != runner::kHelloMagic) return 0;
  long long sent = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time{};
      std::memcpy(&time, CMSG_DATA(part), sizeof time);
      sent = nanoseconds(time);
    } else if (part->cmsg_type == SCM_RIGHTS) {
      for (std::size_t at = CMSG_LEN(0); at < part->cmsg_len; at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, reinterpret_cast<char*>(part) + at, sizeof fd);
        close(fd);
      }
    }
  }
  return sent;
}

/// Started without a tracer, the relay takes descriptor 0 for its socket.
long long run_once(const char* relay) {
  int pair[2];
  const int on = 1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 ||
      setsockopt(pair[0], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) {
    return 0;
  }
  static volatile long long began;  // vfork: the child's memory is ours
  const char* argv[] = {relay, nullptr};
  const pid_t child = vfork();
  if (child == 0) {
    if (dup2(pair[1], 0) != 0) _exit(1);
    began = now();
    execve(relay, const_cast<char* const*>(argv), environ);
    _exit(127);
  }
  close(pair[1]);
  const long long sent = receive_hello(pair[0]);
  const runner::Note exited{runner::kNoteExited, 0, 0, 0};
  const bool told = send(pair[0], &exited, sizeof exited, MSG_NOSIGNAL) > 0;
  close(pair[0]);
  int status = -1;
  const bool ended = waitpid(child, &status, 0) == child && status == 0;
  return sent != 0 && told && ended ? sent - began : 0;
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream request(line);
    int count = 0;
    int callers = 0;
    std::string relay;
    request >> count >> callers >> relay;
    if (count < 1 || callers != 1 || relay.empty()) {
      std::cerr << "relay_bench: not a request: " << line << '\n';
      return 2;
    }
    std::vector<long long> samples;
    const long long start = now();
    for (int i = 0; i < count; ++i) {
      const long long took = run_once(relay.c_str());
      if (took > 0) samples.push_back(took);
    }
    const long long elapsed = now() - start;
    std::cout << samples.size() << " 0 " << static_cast<std::size_t>(count) - samples.size() << ' '
              << elapsed;
    for (const long long sample : samples) std::cout << ' ' << sample;
    std::cout << std::endl;
  }
  return 0;
}
