#include "runner/sandbox_desk.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "runner/sandbox.h"
#include "runner/sandbox_fds.h"

namespace runner::sandbox {
namespace {

constexpr int kMostKeepers = 512;

// A keeper's line is open as long as the keeper lives.
struct Keeper {
  int line;  // 0: no keeper
  SeatRequest served;
};
Keeper keepers[kMostKeepers];

void drop(Keeper& keeper) {
  ::close(keeper.line);
  keeper.line = 0;
}

bool is_alive(const Keeper& keeper) {
  pollfd entry{keeper.line, 0, 0};
  return ::poll(&entry, 1, 0) == 0;
}

Keeper* find(const SeatRequest& request) {
  for (Keeper& keeper : keepers) {
    if (keeper.line != 0 && keeper.served.device == request.device &&
        keeper.served.session == request.session) {
      return &keeper;
    }
  }
  return nullptr;
}

Keeper* free_place() {
  for (Keeper& keeper : keepers) {
    if (keeper.line != 0 && !is_alive(keeper)) drop(keeper);
    if (keeper.line == 0) return &keeper;
  }
  return nullptr;
}

void answer(int socket, SeatAnswer word) {
  ::send(socket, &word, sizeof word, MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(socket);
}

void choose(const SeatRequest& request, int socket) {
  Keeper* keeper = find(request);
  if (keeper != nullptr && !is_alive(*keeper)) {
    drop(*keeper);
    keeper = nullptr;
  }
  if (keeper != nullptr) {
    // Two profiles do not share a sandbox, and two keepers would take each other's input.
    if (keeper->served.profile != request.profile) return answer(socket, kSeatPlain);
    send_with_fds(keeper->line, &request, sizeof request, &socket, 1, MSG_DONTWAIT);
    ::close(socket);  // if it was not sent the asker sees its end, and asks again
    return;
  }
  keeper = free_place();
  if (keeper == nullptr) return answer(socket, kSeatNone);
  const SeatAnswer word = kSeatKeeper;
  ::send(socket, &word, sizeof word, MSG_NOSIGNAL | MSG_DONTWAIT);
  *keeper = {socket, request};
}

}  // namespace

int open_desk() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  // Both numbers are free: agent-sandbox was given kSocket alone.
  const int asking = ::fcntl(ends[0], F_DUPFD_CLOEXEC, 10);
  const int answering = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
  ::close(ends[0]);
  ::close(ends[1]);
  if (asking < 0 || answering < 0) return errno;
  if (::dup3(asking, kDesk, O_CLOEXEC) < 0 || ::dup3(answering, kDeskEnd, O_CLOEXEC) < 0) {
    return errno;
  }
  ::close(asking);
  ::close(answering);
  return 0;
}

void give_seat() {
  SeatRequest request{};
  int socket = -1;
  int count = 0;
  const ssize_t size = receive_with_fds(kDeskEnd, &request, sizeof request, &socket, 1, count);
  if (count == 0) return;
  if (size == static_cast<ssize_t>(sizeof request) && request.magic == kSeatMagic) {
    return choose(request, socket);
  }
  ::close(socket);
}

}  // namespace runner::sandbox
