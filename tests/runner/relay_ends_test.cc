#include "runner/relay_ends.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>

#include "os/loop.h"

using runner::RelayEnds;

namespace {

constexpr std::chrono::seconds kLong{10};

pid_t start_process() {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  return child;
}

void end(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

// What the relay would have, and the sandbox.
std::array<os::Fd, 2> ends() {
  std::array<int, 2> made{-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, made.data()) == 0);
  return {os::Fd(made[0]), os::Fd(made[1])};
}

bool can_be_read(int fd, std::chrono::milliseconds limit = std::chrono::milliseconds(0)) {
  return os::wait_readable(fd, limit);
}

}  // namespace

TEST_CASE("a relay gets what is kept for it, once") {
  RelayEnds kept;
  REQUIRE(kept.open().ok());
  const pid_t relay = start_process();
  auto [mine, sandbox] = ends();
  REQUIRE(kept.put(relay, std::move(mine)).ok());
  CHECK(!kept.take(::getpid()).valid());
  CHECK(kept.take(relay).valid());
  CHECK(!kept.take(relay).valid());
  end(relay);
  CHECK(!can_be_read(kept.ended()));
}

TEST_CASE("the sandbox of a relay that ends before it asks sees that") {
  RelayEnds kept;
  REQUIRE(kept.open().ok());
  const pid_t first = start_process();
  const pid_t second = start_process();
  auto [first_end, first_sandbox] = ends();
  auto [second_end, second_sandbox] = ends();
  REQUIRE(kept.put(first, std::move(first_end)).ok());
  REQUIRE(kept.put(second, std::move(second_end)).ok());
  CHECK(!can_be_read(kept.ended()));
  end(first);
  REQUIRE(can_be_read(kept.ended(), kLong));
  CHECK(!kept.take(first).valid());
  kept.give_up_ended();
  CHECK(!can_be_read(kept.ended()));
  CHECK(can_be_read(first_sandbox.get()));
  CHECK(!can_be_read(second_sandbox.get()));
  CHECK(kept.take(second).valid());
  end(second);
}
