#include "os/fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

namespace {

bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

}  // namespace

TEST_CASE("an Fd closes its descriptor once and moves it without closing") {
  int number = -1;
  {
    auto opened = os::open_file("/dev/null", O_RDONLY);
    REQUIRE(opened.ok());
    os::Fd first = std::move(opened).value();
    number = first.get();
    const os::Fd second = std::move(first);
    CHECK(second.get() == number);
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("opened files are close-on-exec") {
  const auto opened = os::open_file("/dev/null", O_RDONLY);
  REQUIRE(opened.ok());
  CHECK((fcntl(opened.value().get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a failed open names the file and the errno") {
  const auto opened = os::open_file("/nonexistent/file", O_RDONLY);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ENOENT);
  CHECK(opened.error().text().find("/nonexistent/file") != std::string::npos);
  CHECK(opened.error().text().find("ENOENT") != std::string::npos);
}

TEST_CASE("a read over its limit is an error, not a cut text") {
  const auto whole = os::memory_file("words", "twelve bytes");
  REQUIRE(whole.ok());
  const auto read = os::read_all(whole.value().get(), 100);
  REQUIRE(read.ok());
  CHECK(read.value() == "twelve bytes");
  CHECK(lseek(whole.value().get(), 0, SEEK_SET) == 0);
  const auto cut = os::read_all(whole.value().get(), 5);
  REQUIRE_FALSE(cut.ok());
  CHECK(cut.error().code == EFBIG);
}

TEST_CASE("one file has one identity, by descriptor and by path") {
  const auto opened = os::open_file("/dev/null", O_RDONLY);
  REQUIRE(opened.ok());
  const auto by_fd = os::file_id(opened.value().get());
  const auto by_path = os::file_id_at(AT_FDCWD, "/dev/null");
  REQUIRE(by_fd.ok());
  REQUIRE(by_path.ok());
  CHECK(by_fd.value() == by_path.value());
}

TEST_CASE("close_from keeps only the listed descriptors") {
  const int kept = fcntl(0, F_DUPFD, 500);
  const int closed = fcntl(0, F_DUPFD, 500);
  REQUIRE(kept >= 500);
  REQUIRE(closed > kept);
  os::close_from(500, {kept});
  CHECK(is_open(kept));
  CHECK_FALSE(is_open(closed));
  close(kept);
}
