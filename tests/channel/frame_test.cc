#include "channel/frame.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <vector>

using channel::Frame;
using channel::FrameReader;
using channel::Type;

namespace {

Frame frame_of(const std::string& bytes) {
  FrameReader reader;
  reader.add(bytes);
  auto frame = reader.next();
  REQUIRE(frame.ok());
  REQUIRE(frame.value().has_value());
  return *frame.value();
}

}  // namespace

TEST_CASE("frames arrive whole, however their bytes do") {
  const std::string all = channel::encode(Type::data, 1, "output") + channel::encode(Type::end, 2) +
                          channel::encode(Type::exit, 255);
  FrameReader reader;
  std::vector<Frame> frames;
  for (const char byte : all) {
    reader.add({&byte, 1});
    auto frame = reader.next();
    REQUIRE(frame.ok());
    if (frame.value()) frames.push_back(*frame.value());
  }
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].type == Type::data);
  CHECK(frames[0].stream == 1);
  CHECK(frames[0].bytes == "output");
  CHECK(frames[1].type == Type::end);
  CHECK(frames[1].bytes.empty());
  CHECK(frames[2].stream == 255);
}

TEST_CASE("a frame that is too long is none, before its bytes come") {
  FrameReader reader;
  reader.add(std::string("\x01\x00\x10\x00\x20\x00\x00\x00\x00", 9));
  CHECK(reader.next().error().code == EPROTO);
}

TEST_CASE("the first frames say all that they were given") {
  channel::Hello hello;
  hello.rows = 300;
  hello.columns = 70;
  hello.no_input = true;
  hello.passed_output = 1ULL << 40;
  hello.passed_error = 7;
  hello.passed_events = channel::kUnknown;
  hello.key = "key";
  const auto got = channel::decode_hello(frame_of(encode(Type::hello, 0, encode(hello))));
  REQUIRE(got.ok());
  CHECK(got.value().rows == 300);
  CHECK(got.value().columns == 70);
  CHECK(got.value().no_input);
  CHECK(got.value().passed_output == 1ULL << 40);
  CHECK(got.value().passed_error == 7);
  CHECK(got.value().passed_events == channel::kUnknown);
  CHECK(got.value().key == "key");
  channel::Ready ready;
  ready.passed_input = 12;
  const auto answer = channel::decode_ready(frame_of(encode(Type::ready, 0, encode(ready))));
  REQUIRE(answer.ok());
  CHECK(answer.value().passed_input == 12);
}

TEST_CASE("another version is named, whatever follows it") {
  std::string bytes;
  channel::put_number(bytes, 9, 4);
  const auto hello = channel::decode_hello(frame_of(encode(Type::hello, 0, bytes)));
  CHECK(hello.error().code == EPROTONOSUPPORT);
  CHECK(hello.error().step.find("version 9, this one 1") != std::string::npos);
  CHECK(channel::decode_ready(frame_of(encode(Type::ready, 0, bytes))).error().code ==
        EPROTONOSUPPORT);
}

TEST_CASE("what is too short, has no key, or is another frame is refused") {
  channel::Hello hello;
  CHECK(channel::decode_hello(frame_of(encode(Type::hello, 0, encode(hello)))).error().code ==
        EPROTO);
  hello.key = std::string(65, 'k');
  CHECK(channel::decode_hello(frame_of(encode(Type::hello, 0, encode(hello)))).error().code ==
        EPROTO);
  hello.key = "key";
  const std::string whole = encode(hello);
  for (std::size_t size = 0; size + 3 < whole.size(); ++size) {
    CHECK_FALSE(
        channel::decode_hello(frame_of(encode(Type::hello, 0, whole.substr(0, size)))).ok());
  }
  CHECK_FALSE(channel::decode_hello(frame_of(encode(Type::data, 0, whole))).ok());
}

TEST_CASE("what has been taken is overwritten, what has not stays") {
  FrameReader reader;
  reader.reserve(4096);
  reader.add(channel::encode(Type::secret, 0, "value") + channel::encode(Type::begin));
  REQUIRE(reader.next().value().has_value());
  reader.wipe_taken();
  const auto next = reader.next();
  REQUIRE(next.ok());
  REQUIRE(next.value().has_value());
  CHECK(next.value()->type == Type::begin);
}
