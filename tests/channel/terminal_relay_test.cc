#include "channel/terminal_relay.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>
#include <string>

#include "channel/frame.h"
#include "os/fd.h"
#include "os/loop.h"
#include "os/socket.h"
#include "os/terminal.h"

using namespace std::chrono_literals;

namespace {

struct Fixture {
  os::Loop loop = os::Loop::make().value();
  os::Pty pty = os::open_pty({}).value();
  channel::TerminalRelay relay{loop, std::move(pty.master)};
  os::Fd client;

  Fixture() { REQUIRE(relay.start().ok()); }
  void attach() {
    os::SocketPair pair = os::seqpacket_pair().value();
    client = std::move(pair.first);
    relay.attach(std::move(pair.second));
  }
  void run() {
    loop.after(30ms, [this]() -> os::Status {
      loop.stop();
      return {};
    });
    REQUIRE(loop.run().ok());
  }
  // What the client got: all output, and every other word by itself.
  static std::string received(const os::Fd& from) {
    std::string text;
    for (;;) {
      const auto message = os::receive_message(from.get(), channel::kMostMessage, MSG_DONTWAIT);
      if (!message.ok()) return text;
      if (message.value().end) return text + "<gone>";
      const std::string& bytes = message.value().bytes;
      text += bytes.front() == channel::kOutput ? bytes.substr(1) : '<' + bytes + '>';
    }
  }
};

}  // namespace

TEST_CASE("output waits for who attaches, what is typed arrives") {
  Fixture fixture;
  REQUIRE(os::write_all(fixture.pty.slave.get(), "banner\n").ok());
  fixture.run();
  fixture.attach();
  fixture.run();
  CHECK(fixture.received(fixture.client) == "banner\r\n");
  REQUIRE(os::send_message(fixture.client.get(), std::string(1, channel::kTyped) + "typed\r").ok());
  fixture.run();
  CHECK(os::read_some(fixture.pty.slave.get(), 100).value() == "typed\n");
}

TEST_CASE("of what nobody sees the last is kept") {
  Fixture fixture;
  for (int i = 0; i < 300; ++i) {
    REQUIRE(os::write_all(fixture.pty.slave.get(), std::string(1023, 'a') + "\n").ok());
    if (i % 2 == 0) fixture.run();
  }
  REQUIRE(os::write_all(fixture.pty.slave.get(), "the last").ok());
  fixture.run();
  fixture.attach();
  std::string seen;
  for (int i = 0; i < 20; ++i) {
    fixture.run();
    seen += fixture.received(fixture.client);
  }
  CHECK(seen.size() <= channel::TerminalRelay::kMostKept);
  CHECK(seen.size() > channel::TerminalRelay::kMostKept / 2);
  CHECK(seen.ends_with("the last"));
}

TEST_CASE("a second one takes over") {
  Fixture fixture;
  fixture.attach();
  const os::Fd first = std::move(fixture.client);
  fixture.attach();
  REQUIRE(os::write_all(fixture.pty.slave.get(), "x").ok());
  fixture.run();
  CHECK(fixture.received(first) == "<r><gone>");
  CHECK(fixture.received(fixture.client) == "x");
}

TEST_CASE("sizes, and nonsense, from who is attached") {
  Fixture fixture;
  fixture.attach();
  std::string size(1, channel::kSize);
  channel::put_number(size, 50, 2);
  channel::put_number(size, 120, 2);
  REQUIRE(os::send_message(fixture.client.get(), size).ok());
  fixture.run();
  CHECK(os::window_size(fixture.pty.slave.get()).value() == os::WindowSize{50, 120});
  REQUIRE(os::send_message(fixture.client.get(), "?").ok());
  fixture.run();
  CHECK(fixture.received(fixture.client) == "<gone>");
}

TEST_CASE("at the end whoever is attached has seen everything") {
  Fixture fixture;
  bool done = false;
  fixture.attach();
  REQUIRE(os::write_all(fixture.pty.slave.get(), "goodbye").ok());
  fixture.pty.slave.reset();
  fixture.relay.finish([&] { done = true; });
  fixture.run();
  CHECK(fixture.received(fixture.client) == "goodbye<e>");
  CHECK_FALSE(done);
  fixture.client.reset();
  fixture.run();
  CHECK(done);
}

TEST_CASE("at the end somebody is waited for where nobody was yet") {
  Fixture fixture;
  bool done = false;
  REQUIRE(os::write_all(fixture.pty.slave.get(), "only words").ok());
  fixture.pty.slave.reset();
  fixture.relay.finish([&] { done = true; });
  fixture.run();
  CHECK_FALSE(done);
  fixture.attach();
  fixture.run();
  CHECK(fixture.received(fixture.client) == "only words<e>");
}
