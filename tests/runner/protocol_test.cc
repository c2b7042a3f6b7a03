#include "runner/protocol.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>

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
