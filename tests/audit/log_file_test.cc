#include "audit/log_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace {

std::string record(std::uint64_t seq) {
  audit::Stamp stamp;
  stamp.session = "s";
  stamp.seq = seq;
  return audit::make_line(stamp, "exec-denied", "{}");
}

// A log with `content`, gone at the end.
class Log {
 public:
  explicit Log(const std::string& content) {
    ::close(::mkstemp(path_.data()));
    REQUIRE(os::write_file(path_, content).ok());
    auto file = os::AppendFile::open(path_, 0640);
    REQUIRE(file.ok());
    log_ = audit::LogFile(std::move(file).value());
  }
  ~Log() { ::unlink(path_.c_str()); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  audit::LogFile* operator->() { return &log_; }
  std::string content() const {
    auto text = os::read_file(path_);
    REQUIRE(text.ok());
    return text.value();
  }

 private:
  std::string path_ = "/tmp/log_file_test.XXXXXX";
  audit::LogFile log_;
};

}  // namespace

TEST_CASE("our own unfinished line is cut off, at every length of it") {
  const std::string whole = record(1) + record(2);
  const std::string next = record(3);
  for (std::size_t size = 0; size < next.size(); ++size) {
    Log log(whole + next.substr(0, size));
    const auto cut = log->mend(true);
    REQUIRE(cut.ok());
    CHECK(cut.value() == size);
    REQUIRE(log.content() == whole);
    CHECK(log->last_record().value().seq == 2);
  }
}

TEST_CASE("an unfinished first line is cut off, too") {
  Log log(record(1).substr(0, 20));
  REQUIRE(log->mend(true).ok());
  CHECK(log.content().empty());
  CHECK(log->last_record().value().seq == 0);
}

TEST_CASE("an unfinished line of an earlier session is kept and ended") {
  Log log(record(1) + record(2).substr(0, 20));
  CHECK(log->mend(false).value() == 20);
  CHECK(log.content() == record(1) + record(2).substr(0, 20) + '\n');
  CHECK(log->last_record().value().seq == 1);
  REQUIRE(log->append(record(2)).ok());
  CHECK(log->last_record().value().seq == 2);
  CHECK(log->last_line().value() == record(2));
}

TEST_CASE("a log whose end is no record is an error, never empty") {
  Log log(std::string(100, 'x') + '\n');
  REQUIRE(log->mend(true).ok());
  const auto last = log->last_record();
  REQUIRE_FALSE(last.ok());
  CHECK(last.error().code == EBADMSG);

  Log endless(record(1) + std::string(1 << 20, 'x'));
  const auto cut = endless->mend(true);
  REQUIRE_FALSE(cut.ok());
  CHECK(cut.error().code == EBADMSG);
}

TEST_CASE("what was reserved is given back and leaves the lines as they are") {
  Log log(record(1));
  REQUIRE(log->reserve().ok());
  REQUIRE(log->append(record(2)).ok());
  REQUIRE(log->close().ok());
  CHECK(log.content() == record(1) + record(2));
}

TEST_CASE("a pipe has no last line and takes lines") {
  auto pipe = os::make_pipe();
  REQUIRE(pipe.ok());
  auto file = os::AppendFile::adopt(pipe.value().write_end.get());
  REQUIRE(file.ok());
  audit::LogFile log(std::move(file).value());
  CHECK(log.mend(true).value() == 0);
  CHECK(log.last_line().value().empty());
  REQUIRE(log.lock().ok());
  REQUIRE(log.reserve().ok());
  REQUIRE(log.append("line\n").ok());
  REQUIRE(log.close().ok());
}

TEST_CASE("a file that cannot be read back is refused as a copy") {
  const os::Result<os::Fd> null = os::open_file("/proc/self/comm", O_WRONLY);
  REQUIRE(null.ok());
  CHECK(os::AppendFile::adopt(null.value().get()).error().code == EBADF);
}
