#include "runner/protocol.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>

#include "os/socket.h"

using runner::Frame;
using runner::FrameKind;

TEST_CASE("a start frame comes back with the same arguments and environment") {
  const Frame frame{FrameKind::start, 0, "", {"echo", "", "a b"}, {"A=1", "B="}};
  const auto back = runner::decode(runner::encode(frame));
  REQUIRE(back.ok());
  CHECK(back.value().argv == frame.argv);
  CHECK(back.value().env == frame.env);
}

TEST_CASE("a text frame keeps its number and every byte") {
  const Frame frame{FrameKind::refused, 13, std::string("a\0b", 3), {}, {}};
  const auto back = runner::decode(runner::encode(frame));
  REQUIRE(back.ok());
  CHECK(back.value().kind == FrameKind::refused);
  CHECK(back.value().number == 13);
  CHECK(back.value().text == frame.text);
}

TEST_CASE("another version of the protocol is named as such") {
  std::string bytes = runner::encode({FrameKind::text, 0, "x", {}, {}});
  bytes[0] = '2';
  const auto back = runner::decode(bytes);
  REQUIRE(!back.ok());
  CHECK(back.error().code == EPROTO);
  CHECK(back.error().step == "read a frame: not version 1 of the runner's protocol");
}

TEST_CASE("a start frame cut at any byte, or with one too many, is refused") {
  const std::string whole = runner::encode({FrameKind::start, 0, "", {"a", "bc"}, {"X=1"}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK(!runner::decode(std::string_view(whole).substr(0, size)).ok());
  }
  CHECK(!runner::decode(whole + "x").ok());
}

TEST_CASE("a start frame that announces more strings than it has, or none, is refused") {
  std::string bytes = runner::encode({FrameKind::start, 0, "", {"a"}, {}});
  runner::FrameHead head{};
  std::memcpy(&head, bytes.data(), sizeof head);
  for (const std::uint32_t count : {0U, 2U, ~0U}) {
    head.argc = count;
    std::memcpy(bytes.data(), &head, sizeof head);
    CHECK(!runner::decode(bytes).ok());
  }
}

TEST_CASE("a frame goes over a socket, whatever its size") {
  const auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  for (const std::size_t size : {std::size_t{10}, std::size_t{99'000}, std::size_t{3 << 20}}) {
    CAPTURE(size);
    const Frame text{FrameKind::text, 5, std::string(size, 'x'), {}, {}};
    REQUIRE(runner::send_frame(pair.value().first.get(), text).ok());
    auto message = os::receive_message(pair.value().second.get(), runner::kMaxFrame);
    REQUIRE(message.ok());
    const auto back = runner::read_frame(message.value());
    REQUIRE(back.ok());
    CHECK(back.value().number == 5);
    CHECK(back.value().text == text.text);
  }
}

TEST_CASE("strings that are too long, or come from a pipe, are refused") {
  const auto pair = os::seqpacket_pair();
  REQUIRE(pair.ok());
  const Frame much{FrameKind::start, 0, "", {std::string(runner::kMaxStart, 'x')}, {}};
  REQUIRE(runner::send_frame(pair.value().first.get(), much).ok());
  auto message = os::receive_message(pair.value().second.get(), runner::kMaxFrame);
  REQUIRE(message.ok());
  const auto long_one = runner::read_frame(message.value());
  REQUIRE(!long_one.ok());
  CHECK(long_one.error().code == E2BIG);

  auto pipe = os::make_pipe();  // its writing end stays open: reading it would wait for ever
  REQUIRE(pipe.ok());
  message.value().fds.clear();
  message.value().fds.push_back(std::move(pipe.value().read_end));
  const auto blocking = runner::read_frame(message.value());
  REQUIRE(!blocking.ok());
  CHECK(blocking.error().code == EPROTO);
}
