#include "os/loop.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "os/socket.h"

using namespace std::chrono_literals;

TEST_CASE("a handler is called while its descriptor is readable, until it is forgotten") {
  auto loop = os::Loop::make();
  REQUIRE(loop.ok());
  auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  const int fd = pair.value().second.get();
  int calls = 0;
  REQUIRE(loop.value()
              .watch(fd, EPOLLIN,
                     [&]() -> os::Status {
                       if (++calls == 3) loop.value().forget(fd);
                       return {};
                     })
              .ok());
  REQUIRE(os::send_message(pair.value().first.get(), "unread").ok());
  loop.value().after(30ms, [&]() -> os::Status {
    loop.value().stop();
    return {};
  });
  REQUIRE(loop.value().run().ok());
  CHECK(calls == 3);
}

TEST_CASE("a stop before the start counts, once") {
  auto loop = os::Loop::make();
  REQUIRE(loop.ok());
  loop.value().stop();
  REQUIRE(loop.value().run().ok());  // would wait for ever
  bool fired = false;
  loop.value().after(0ms, [&]() -> os::Status {
    fired = true;
    loop.value().stop();
    return {};
  });
  REQUIRE(loop.value().run().ok());
  CHECK(fired);
}

TEST_CASE("a handler's error ends that handler only") {
  auto loop = os::Loop::make();
  REQUIRE(loop.ok());
  auto failing = os::seqpacket_pair();
  auto working = os::seqpacket_pair();
  REQUIRE(failing.ok());
  REQUIRE(working.ok());
  int failures = 0;
  REQUIRE(loop.value()
              .watch(failing.value().second.get(), EPOLLIN,
                     [&]() -> os::Status {
                       ++failures;
                       return os::Error{EIO, "expected in this test"};
                     })
              .ok());
  REQUIRE(loop.value()
              .watch(working.value().second.get(), EPOLLIN,
                     [&]() -> os::Status {
                       loop.value().stop();
                       return {};
                     })
              .ok());
  REQUIRE(os::send_message(failing.value().first.get(), "x").ok());
  loop.value().after(
      10ms, [&]() -> os::Status { return os::send_message(working.value().first.get(), "x"); });
  REQUIRE(loop.value().run().ok());
  CHECK(failures == 1);
}

TEST_CASE("timers fire in order of time, once, and a cancelled one never does") {
  auto loop = os::Loop::make();
  REQUIRE(loop.ok());
  std::vector<std::string> fired;
  const auto mark = [&](const char* what) {
    return [&fired, what]() -> os::Status {
      fired.emplace_back(what);
      return {};
    };
  };
  loop.value().after(20ms, mark("second"));
  loop.value().after(5ms, mark("first"));
  const os::Loop::Timer cancelled = loop.value().after(10ms, mark("never"));
  loop.value().cancel(cancelled);
  loop.value().after(40ms, [&]() -> os::Status {
    loop.value().stop();
    return {};
  });
  REQUIRE(loop.value().run().ok());
  CHECK(fired == std::vector<std::string>{"first", "second"});
}

TEST_CASE("a handler may forget one that is due in the same round") {
  auto loop = os::Loop::make();
  REQUIRE(loop.ok());
  auto one = os::seqpacket_pair();
  auto other = os::seqpacket_pair();
  REQUIRE(one.ok());
  REQUIRE(other.ok());
  const int fds[] = {one.value().second.get(), other.value().second.get()};
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(loop.value()
                .watch(fds[i], EPOLLIN,
                       [&]() -> os::Status {
                         ++calls;
                         loop.value().forget(fds[0]);
                         loop.value().forget(fds[1]);
                         loop.value().after(1ms, [&]() -> os::Status {
                           loop.value().stop();
                           return {};
                         });
                         return {};
                       })
                .ok());
  }
  REQUIRE(os::send_message(one.value().first.get(), "x").ok());
  REQUIRE(os::send_message(other.value().first.get(), "x").ok());
  REQUIRE(loop.value().run().ok());
  CHECK(calls == 1);
}

TEST_CASE("an event of a descriptor that was closed is not its successor's") {
  auto loop = os::Loop::make();
  REQUIRE(loop.ok());
  std::vector<os::SocketPair> pairs;
  for (int i = 0; i < 2; ++i) pairs.push_back(os::seqpacket_pair().value());
  std::vector<os::SocketPair> next;
  int first = -1;
  int mistaken = 0;
  const int last = pairs.back().second.get();
  for (const os::SocketPair& pair : pairs) {
    const int fd = pair.second.get();
    const auto on_event = [&, fd]() -> os::Status {
      if (first >= 0) {
        ++mistaken;
        return {};
      }
      first = fd;
      // Both go, and what comes gets their numbers.
      for (os::SocketPair& old : pairs) {
        loop.value().forget(old.second.get());
        old = os::SocketPair{};
      }
      const auto on_mistake = [&]() -> os::Status {
        ++mistaken;
        return {};
      };
      for (int i = 0; i < 2; ++i) {
        next.push_back(os::seqpacket_pair().value());
        for (const int number : {next.back().first.get(), next.back().second.get()}) {
          REQUIRE(loop.value().watch(number, EPOLLIN, on_mistake).ok());
        }
      }
      return {};
    };
    REQUIRE(loop.value().watch(fd, EPOLLIN, on_event).ok());
    REQUIRE(os::send_message(pair.first.get(), "x").ok());
  }
  loop.value().after(20ms, [&]() -> os::Status {
    loop.value().stop();
    return {};
  });
  REQUIRE(loop.value().run().ok());
  CHECK(first >= 0);
  CHECK(next.back().second.get() == last);  // or nothing could have been mistaken
  CHECK(mistaken == 0);
}
