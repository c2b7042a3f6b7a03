#include "audit/daemon.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>

#include "audit/actions.h"
#include "audit/record.h"
#include "os/append_file.h"
#include "tests/audit/daemon_process.h"

namespace {

using audit::Event;
using nlohmann::json;
using test_support::DaemonProcess;
using test_support::eventually;

Event numbered(int number) { return std::move(Event("exec-allowed").set("exec.id", number)); }

// The line that the daemon makes of `event`, sent by this process as its `number`th.
std::string line_of(const Event& event, std::uint64_t seq, std::uint64_t number) {
  audit::Stamp stamp;
  stamp.session = "test";
  stamp.seq = seq;
  stamp.time_ns = event.time_ns();
  stamp.number = number;
  stamp.sender_pid = ::getpid();
  stamp.sender_uid = ::geteuid();
  return audit::make_line(stamp, event.action(), event.data_json());
}

}  // namespace

TEST_CASE("a record becomes one line, stamped with its sender, in the log and in the copy") {
  DaemonProcess daemon;
  daemon.start();
  REQUIRE(daemon.client().record(numbered(1)).ok());
  daemon.client().offer(numbered(2));
  const int status = daemon.finish();
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);

  const auto lines = daemon.lines();
  REQUIRE(lines.size() == 2);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CHECK(lines[i]["seq"] == i + 1);
    CHECK(lines[i]["senderpid"] == ::getpid());
    CHECK(lines[i]["senderuid"] == ::geteuid());
    CHECK(lines[i]["data"]["exec"]["id"] == i + 1);
  }
  CHECK(daemon.copy() == daemon.log());
  struct stat info {};
  REQUIRE(::stat(daemon.log_path().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0640);
  CHECK(info.st_blocks * 512 < 64 * 1024);  // the reserve was given back
}

TEST_CASE("what is sent before the daemon lives, or while it is dead, is written") {
  DaemonProcess daemon;
  REQUIRE(daemon.client().record(numbered(1)).ok());
  daemon.start();
  daemon.kill();
  REQUIRE(daemon.client().record(numbered(2)).ok());
  daemon.start();
  daemon.finish();
  const auto lines = daemon.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[1]["data"]["exec"]["id"] == 2);
}

TEST_CASE("a line that was written before the crash is not written again") {
  DaemonProcess daemon;
  const Event event = numbered(1);
  daemon.state().opened.store(true);
  SUBCASE("neither to the log nor to the copy") {
    REQUIRE(os::write_file(daemon.copy_path(), line_of(event, 1, 1)).ok());
  }
  SUBCASE("and the copy that had not got it yet gets it") {}
  SUBCASE("and the copy that had got half of it gets all of it") {
    REQUIRE(os::write_file(daemon.copy_path(), line_of(event, 1, 1).substr(0, 100)).ok());
  }
  REQUIRE(os::write_file(daemon.log_path(), line_of(event, 1, 1)).ok());
  REQUIRE(daemon.client().record(event).ok());
  REQUIRE(daemon.client().record(numbered(2)).ok());
  daemon.start();
  daemon.finish();
  CHECK(daemon.lines().size() == 2);
  CHECK(daemon.log().starts_with(line_of(event, 1, 1)));
  CHECK(daemon.copy() == daemon.log());
}

TEST_CASE("half a line is cut off, said so, and written whole") {
  DaemonProcess daemon;
  const Event event = numbered(1);
  daemon.state().opened.store(true);
  REQUIRE(os::write_file(daemon.log_path(), line_of(event, 1, 1).substr(0, 200)).ok());
  REQUIRE(daemon.client().record(event).ok());
  daemon.start();
  daemon.finish();
  const auto lines = daemon.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["data"]["event"]["action"] == "log-repaired");
  CHECK(lines[0]["data"]["audit"]["bytes"] == 200);
  CHECK(lines[1]["data"]["exec"]["id"] == 1);
  CHECK(lines[1]["seq"] == 2);
  CHECK(daemon.copy() == daemon.log());
}

TEST_CASE("a copy that another session left is continued, its unfinished line ended") {
  DaemonProcess daemon;
  REQUIRE(os::write_file(daemon.copy_path(), "{\"half\":").ok());
  REQUIRE(daemon.client().record(numbered(1)).ok());
  daemon.start();
  daemon.finish();
  CHECK(daemon.copy() == "{\"half\":\n" + daemon.log());
}

TEST_CASE("a full socket makes record() fail after a second and offer() at once, both counted") {
  DaemonProcess daemon;
  const audit::Client client = daemon.client();
  int sent = 0;
  while (daemon.state().dropped.load() == 0) {
    client.offer(numbered(++sent));
    REQUIRE(sent < 10000);
  }
  const auto start = std::chrono::steady_clock::now();
  client.offer(numbered(0));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(500));
  const os::Status refused = client.record(numbered(0));
  const auto waited = std::chrono::steady_clock::now() - start;
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == EAGAIN);
  CHECK(waited > std::chrono::milliseconds(900));
  CHECK(waited < std::chrono::seconds(5));

  daemon.start();
  eventually([&] { return daemon.state().dropped_reported.load() == 2; });
  CHECK(client.record(numbered(1)).ok());
  daemon.finish();
  const auto lines = daemon.lines();
  REQUIRE(lines.size() == static_cast<std::size_t>(sent) + 1);  // one dropped, one report, one more
  const json& report = lines[lines.size() - 2];
  CHECK(report["data"]["event"]["action"] == "events-dropped");
  CHECK(report["data"]["audit"] ==
        json::parse(R"({"dropped":2,"dropped_total":2,"refused":1,"refused_total":1})"));
  CHECK(report["senderpid"] != ::getpid());
}

TEST_CASE("losses that were reported before a crash are not reported again") {
  DaemonProcess daemon;
  daemon.state().dropped.store(3);
  daemon.start();
  eventually([&] { return daemon.state().dropped_reported.load() == 3; });
  daemon.kill();
  daemon.state().dropped_reported.store(0);  // as if it had died right after the line
  daemon.start();
  daemon.finish();
  CHECK(daemon.lines().size() == 1);
}

TEST_CASE("a message that is no record is logged as what it is") {
  DaemonProcess daemon;
  daemon.start();
  REQUIRE(os::send_message(daemon.sending_end(), "rubbish").ok());
  REQUIRE(os::send_message(daemon.sending_end(), std::string(audit::kMaxMessage + 1, 'x')).ok());
  REQUIRE(daemon.client().record(numbered(1)).ok());
  daemon.finish();
  const auto lines = daemon.lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["data"]["event"]["action"] == "event-malformed");
  CHECK(lines[0]["data"]["audit"]["bytes"] == 7);
  CHECK(lines[0]["senderpid"] == ::getpid());
  CHECK(lines[1]["data"]["event"]["action"] == "event-malformed");
  CHECK(lines[2]["data"]["exec"]["id"] == 1);
}

TEST_CASE("only the owner's finish is obeyed") {
  DaemonProcess daemon;
  daemon.start(::getpid() + 1);
  REQUIRE(daemon.client().finish().ok());
  eventually([&] { return daemon.log().ends_with("\n"); });
  daemon.kill();
  CHECK(daemon.lines()[0]["data"]["event"]["action"] == "event-malformed");
}

TEST_CASE("a daemon that is killed after the session's last message is followed by one that ends") {
  DaemonProcess daemon;
  REQUIRE(daemon.client().record(numbered(1)).ok());
  REQUIRE(daemon.client().finish().ok());
  for (int i = 0; i < 2; ++i) {
    daemon.start();
    CHECK(daemon.wait() == 0);
  }
  CHECK(daemon.lines().size() == 1);
}

TEST_CASE("a log that cannot be made refuses every record until it can") {
  std::string directory = "/tmp/auditd_test.XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  REQUIRE(::rmdir(directory.c_str()) == 0);
  DaemonProcess daemon(false, directory);
  daemon.start();
  eventually([&] { return daemon.state().unwritable.load() == ENOENT; });
  CHECK(daemon.client().record(numbered(1)).error().code == ENOENT);
  REQUIRE(::mkdir(directory.c_str(), 0700) == 0);
  eventually([&] { return daemon.state().unwritable.load() == 0; });
  CHECK(daemon.client().record(numbered(2)).ok());
  daemon.finish();
  const auto lines = daemon.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["data"]["audit"]["refused"] == 1);
  CHECK(lines[1]["data"]["exec"]["id"] == 2);
  ::unlink(daemon.log_path().c_str());
  CHECK(::rmdir(directory.c_str()) == 0);
}

TEST_CASE("a copy that another session writes is not shared") {
  DaemonProcess daemon;
  os::Result<os::AppendFile> other = os::AppendFile::open(daemon.copy_path(), 0600);
  REQUIRE(other.ok());
  REQUIRE(other.value().lock().ok());
  daemon.start();
  eventually([&] { return daemon.state().unwritable.load() == EWOULDBLOCK; });
  other.value() = os::AppendFile();
  eventually([&] { return daemon.state().unwritable.load() == 0; });
  daemon.finish();
}
