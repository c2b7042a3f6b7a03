#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "init/control_client.h"
#include "init/control_server.h"
#include "os/loop.h"
#include "os/socket.h"

namespace {

init::ControlRecord process(const char* name, int pid, std::uint64_t uptime_ms) {
  init::ControlRecord record;
  record.kind = init::RecordKind::process;
  record.set_name(name);
  record.pid = pid;
  record.uptime_ms = uptime_ms;
  return record;
}

init::ControlRecord word(init::RecordKind kind, const char* name, const char* value) {
  init::ControlRecord record;
  record.kind = kind;
  record.set_name(name);
  record.set_value(value);
  return record;
}

std::vector<init::ControlRecord> example() {
  init::ControlRecord waiting = process("agent-task-runnerd", 9, 0);
  waiting.state = init::ProcessState::backoff;
  return {process("agent-auditd", 7, 5000), waiting,
          word(init::RecordKind::protection, "landlock", "full"),
          word(init::RecordKind::mount, "/workspace", "idmap")};
}

}  // namespace

TEST_CASE("uptime reads as supervisord writes it") {
  CHECK(init::uptime_text(0) == "0:00:00");
  CHECK(init::uptime_text(5999) == "0:00:05");
  CHECK(init::uptime_text(3'723'000) == "1:02:03");
  CHECK(init::uptime_text(93'784'000) == "1 day, 2:03:04");
  CHECK(init::uptime_text(458'294'000) == "5 days, 7:18:14");
}

TEST_CASE("status has a line for each process, then protections and mounts") {
  CHECK(init::status_text(example()) ==
        "agent-auditd                     RUNNING   pid 7, uptime 0:00:05\n"
        "agent-task-runnerd               BACKOFF   \n"
        "\n"
        "landlock                         full\n"
        "/workspace                       idmap\n");
  CHECK(init::status_json(example()) ==
        R"({"enforcement":{"landlock":"full"},"mounts":{"/workspace":"idmap"},"processes":)"
        R"([{"name":"agent-auditd","pid":7,"restarts":0,"state":20,"statename":"RUNNING",)"
        R"("uptime_ms":5000},{"name":"agent-task-runnerd","pid":9,"restarts":0,"state":30,)"
        R"("statename":"BACKOFF","uptime_ms":0}]})");
}

TEST_CASE("a name that is too long is cut, never overrun") {
  init::ControlRecord record;
  record.set_name(std::string(1000, 'x'));
  CHECK(record.name_text() == std::string(63, 'x'));
}

TEST_CASE("the server answers root, drops nonsense and goes on") {
  std::string directory = "/tmp/control_test.XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/control.sock";
  auto loop = os::Loop::make();
  REQUIRE(loop.ok());
  std::vector<init::ControlVerb> handed_over;
  const auto socket = init::ControlServer::listen(path);
  REQUIRE(socket.ok());
  auto server = init::ControlServer::start(
      loop.value(), socket.value().get(), [] { return example(); },
      [&](init::ControlVerb verb, os::Fd connection, const std::vector<os::Fd>& fds) -> os::Status {
        handed_over.push_back(verb);
        CHECK(fds.size() == 1);
        return os::send_message(connection.get(), "taken over");
      });
  REQUIRE(server.ok());

  const bool root = ::geteuid() == 0;
  std::thread client([&] {
    auto nonsense = os::connect_unix(path, os::SocketType::seqpacket);
    if (nonsense.ok()) {
      static_cast<void>(os::send_message(nonsense.value().get(), "nonsense").ok());
      const auto answer = os::receive_message(nonsense.value().get());
      CHECK((!answer.ok() || answer.value().end));
    }
    const auto silent = os::connect_unix(path, os::SocketType::seqpacket);
    CHECK(silent.ok());
    const auto records = init::ask_status(path);
    CHECK(records.ok() == root);
    if (records.ok()) CHECK(records.value().size() == 4);
    const auto attaching = os::connect_unix(path, os::SocketType::seqpacket);
    CHECK(attaching.ok());
    if (attaching.ok()) {
      init::ControlRequest request;
      request.verb = init::ControlVerb::attach;
      const std::array<int, 1> fds{0};
      const std::string_view bytes(reinterpret_cast<const char*>(&request), sizeof request);
      CHECK(os::send_message(attaching.value().get(), bytes, fds).ok());
      const auto answer = os::receive_message(attaching.value().get());
      if (root) CHECK((answer.ok() && answer.value().bytes == "taken over"));
    }
    const auto last = os::connect_unix(path, os::SocketType::seqpacket);
    CHECK(last.ok());
  });
  loop.value().after(std::chrono::milliseconds(500), [&]() -> os::Status {
    loop.value().stop();
    return {};
  });
  REQUIRE(loop.value().run().ok());
  client.join();
  server.value().reset();
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

TEST_CASE("usage is refused with 2, a session that is not there with 4") {
  const auto run = [](std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    return init::supervisorctl(pointers);
  };
  CHECK(run({}) == 2);
  CHECK(run({"restart"}) == 2);
  CHECK(run({"status", "--session"}) == 2);
  CHECK(run({"--session", "no-such-session-here", "status"}) == 4);
}
