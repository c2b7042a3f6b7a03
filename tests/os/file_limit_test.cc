#include "os/file_limit.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

namespace {

constexpr rlimit kOwn{100, 200};

rlimit limit() {
  rlimit now{};
  ::prlimit(0, RLIMIT_NOFILE, nullptr, &now);
  return now;
}

void set(rlimit wanted) { REQUIRE(::prlimit(0, RLIMIT_NOFILE, &wanted, nullptr) == 0); }

// Of this process, whose limits come back at the end.
std::optional<os::RaisedFileLimit> raise() {
  auto raised = os::RaisedFileLimit::raise(::getpid(), ::getuid());
  REQUIRE(raised.ok());
  return std::move(raised).value();
}

struct Limits {
  Limits() { set(kOwn); }
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;
  ~Limits() { ::prlimit(0, RLIMIT_NOFILE, &before, nullptr); }
  rlimit before = limit();
};

}  // namespace

TEST_CASE("the soft limit is the hard one for a while") {
  const Limits limits;
  {
    const auto raised = raise();
    CHECK(limit().rlim_cur == 200);
  }
  CHECK(limit().rlim_cur == 100);
  CHECK(limit().rlim_max == 200);
}

TEST_CASE("what the process sets meanwhile stays") {
  const Limits limits;
  auto raised = raise();
  set({150, 200});
  raised.reset();
  CHECK(limit().rlim_cur == 150);
}

TEST_CASE("two at a time leave the limit that was there before both") {
  const Limits limits;
  auto first = raise();
  std::atomic<bool> has_second{false};
  std::thread other([&] {
    const auto second = os::RaisedFileLimit::raise(::getpid(), ::getuid());
    has_second = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(!has_second);
  first.reset();
  other.join();
  CHECK(has_second);
  CHECK(limit().rlim_cur == 100);
}
