#include "channel/stream.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <deque>
#include <string>

#include "channel/frame.h"
#include "os/fd.h"
#include "os/loop.h"

using channel::Sink;
using channel::Source;
using channel::Type;
using namespace std::chrono_literals;

namespace {

struct Sent {
  Type type;
  std::string bytes;
};

// A source and a sink with a connection between them that can be cut.
struct Pair {
  os::Loop loop = os::Loop::make().value();
  os::Pipe in = os::make_pipe().value();
  os::Pipe out = os::make_pipe().value();
  bool connected = false;
  std::deque<Sent> to_sink;
  std::deque<Sent> to_source;
  int ends = 0;
  Source source{loop, 1, std::move(in.read_end),
                [this](Type type, std::uint32_t, std::string_view bytes) {
                  if (connected) to_sink.push_back({type, std::string(bytes)});
                },
                [this] { ++ends; }};
  Sink sink{loop, 1, std::move(out.write_end),
            [this](Type type, std::uint32_t, std::string_view bytes) {
              if (connected) to_source.push_back({type, std::string(bytes)});
            }};

  void connect() {
    connected = true;
    REQUIRE(source.connect(sink.restart()).ok());
  }
  void cut() {
    connected = false;
    source.disconnect();
    to_sink.clear();
    to_source.clear();
  }
  void deliver() {
    for (; !to_sink.empty(); to_sink.pop_front()) {
      if (to_sink.front().type == Type::data) REQUIRE(sink.data(to_sink.front().bytes).ok());
      if (to_sink.front().type == Type::end) sink.end();
    }
    for (; !to_source.empty(); to_source.pop_front()) {
      std::string_view bytes = to_source.front().bytes;
      if (to_source.front().type == Type::stop) source.stop();
      if (to_source.front().type != Type::credit) continue;
      REQUIRE(source.credit(channel::take_number(bytes, 4).value()).ok());
    }
  }
  // Lets everything happen that can.
  void settle() {
    for (int round = 0; round < 20; ++round) {
      loop.after(1ms, [this]() -> os::Status {
        loop.stop();
        return {};
      });
      REQUIRE(loop.run().ok());
      deliver();
    }
  }
};

std::string read_now(int fd) {
  REQUIRE(os::set_nonblocking(fd).ok());
  std::string all;
  for (;;) {
    const auto some = os::read_some(fd, 1 << 16);
    if (!some.ok() || some.value().empty()) return all;
    all += some.value();
  }
}

}  // namespace

TEST_CASE("bytes and their end come through") {
  Pair pair;
  pair.connect();
  REQUIRE(os::write_all(pair.in.write_end.get(), "hello").ok());
  pair.in.write_end.reset();
  pair.settle();
  CHECK(read_now(pair.out.read_end.get()) == "hello");
  CHECK(pair.source.ended());
  CHECK(pair.sink.ended());
  CHECK(pair.ends == 1);
}

TEST_CASE("a lost connection loses nothing and repeats nothing") {
  Pair pair;
  pair.connect();
  std::string all;
  std::string got;
  REQUIRE(os::set_nonblocking(pair.in.write_end.get()).ok());
  for (int round = 0; round < 40; ++round) {
    const std::string piece = std::string(1000, static_cast<char>('a' + round % 26));
    REQUIRE(os::write_all(pair.in.write_end.get(), piece).ok());
    all += piece;
    if (round % 3 == 0) {
      pair.loop.after(1ms, [&]() -> os::Status {
        pair.loop.stop();
        return {};
      });
      REQUIRE(pair.loop.run().ok());  // on its way in one direction
      if (round % 2 == 0) pair.deliver();
      pair.cut();
      pair.connect();
    }
    pair.settle();
    got += read_now(pair.out.read_end.get());
  }
  CHECK(got == all);
}

TEST_CASE("no more is read than the window while nobody reads at the other end") {
  Pair pair;
  pair.connect();
  REQUIRE(os::set_nonblocking(pair.in.write_end.get()).ok());
  std::size_t written = 0;
  const std::string piece(4096, 'x');
  for (int round = 0; round < 30; ++round) {
    for (auto some = os::write_some(pair.in.write_end.get(), piece); some.ok();
         some = os::write_some(pair.in.write_end.get(), piece)) {
      written += some.value();
    }
    pair.settle();
  }
  CHECK(written <= channel::kWindow + 3 * 65536);  // and what both pipes hold
  std::size_t got = 0;
  for (int round = 0; round < 100; ++round) {
    got += read_now(pair.out.read_end.get()).size();
    pair.settle();
  }
  CHECK(got == written);
}

TEST_CASE("where nobody reads any more the writer is told") {
  std::signal(SIGPIPE, SIG_IGN);  // the programs block all signals
  Pair pair;
  pair.connect();
  pair.out.read_end.reset();
  REQUIRE(os::write_all(pair.in.write_end.get(), "x").ok());
  pair.settle();
  CHECK(pair.sink.ended());
  const auto more = os::write_some(pair.in.write_end.get(), "y");
  REQUIRE_FALSE(more.ok());
  CHECK(more.error().code == EPIPE);
}

TEST_CASE("a peer that has lost count is refused") {
  Pair pair;
  pair.connect();
  CHECK(pair.source.credit(1).error().code == EPROTO);
  CHECK(pair.sink.data(std::string(channel::kWindow + 1, 'x')).error().code == EPROTO);
  CHECK(pair.source.connect(5).error().code == EPROTO);
}

TEST_CASE("regular files can be read and written, too") {
  char path[] = "/tmp/stream-test-XXXXXX";
  const os::Fd file(::mkstemp(path));
  ::unlink(path);
  REQUIRE(os::write_all(file.get(), "content").ok());
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  os::Loop loop = os::Loop::make().value();
  std::string sent;
  bool ended = false;
  Source source(loop, 0, os::duplicate(file.get()).value(),
                [&](Type type, std::uint32_t, std::string_view bytes) {
                  if (type == Type::data) sent += bytes;
                  if (type == Type::end) ended = true;
                });
  REQUIRE(source.connect(0).ok());
  loop.after(20ms, [&]() -> os::Status {
    loop.stop();
    return {};
  });
  REQUIRE(loop.run().ok());
  CHECK(sent == "content");
  CHECK(ended);
  Sink sink(loop, 1, os::duplicate(file.get()).value(),
            [](Type, std::uint32_t, std::string_view) {});
  REQUIRE(sink.data(" and more").ok());
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  CHECK(os::read_all(file.get()).value() == "content and more");
}
