#include "init/runner_client.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>

#include "os/socket.h"

TEST_CASE("questions are read with what decides them") {
  const auto text = init::asks_text(
      R"([{"command":"npm publish","cwd":"/workspace","id":57,"program":"/usr/bin/npm",)"
      R"("rule":"publish","seconds_left":41.2}])");
  REQUIRE(text.ok());
  CHECK(text.value() ==
        "57    rule publish, 42 s left\n"
        "      program  /usr/bin/npm\n"
        "      cwd      /workspace\n"
        "      command  npm publish\n");
  CHECK(init::asks_text("[]").value() == "no open question\n");
}

TEST_CASE("tasks have a line each") {
  const auto text = init::tasks_text(
      R"([{"command":"make","id":3,"lingering":false,"pid":100004,"profile":"task","rule":"run",)"
      R"("seconds":3.0},{"command":"sleep 60","id":123456789,"lingering":true,"pid":5,)"
      R"("profile":"task","rule":"a-rule-with-a-long-name","seconds":86400.5}])");
  REQUIRE(text.ok());
  CHECK(text.value() ==
        "ID      PID      AGE       RULE            COMMAND\n"
        "3       100004   0:00:03   run             make\n"
        "123456789  5        1 day, 0:00:01  a-rule-with-a-long-name  (in the background) "
        "sleep 60\n");
  CHECK(init::tasks_text("[]").value() == "no task runs\n");
}

TEST_CASE("whatever the answer holds, the terminal gets printable lines") {
  const char* hostile =
      "[{\"command\":\"\\u001b[2J\\na\\u009b\\r\",\"cwd\":\"\\u202e\",\"id\":\"\\u0007\","
      "\"program\":[],\"rule\":\"\\b\",\"seconds_left\":-1e300}]";
  for (const auto& text :
       {init::asks_text(hostile), init::tasks_text(hostile), init::plain_json(hostile)}) {
    REQUIRE(text.ok());
    CHECK(std::all_of(text.value().begin(), text.value().end(),
                      [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); }));
  }
  const std::string lines = init::asks_text(hostile).value();
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 4);
}

TEST_CASE("what is no list of objects is refused") {
  for (const char* text : {"", "{", "{}", "7", "[1]", "[[]]", "[{}", "\xff"}) {
    CAPTURE(text);
    CHECK(init::asks_text(text).error().code == EPROTO);
    CHECK(init::tasks_text(text).error().code == EPROTO);
    CHECK(init::plain_json(text).error().code == EPROTO);
    CHECK(!init::count_of(text).has_value());
  }
}

TEST_CASE("status counts questions in words") {
  CHECK(init::questions_line(0).empty());
  CHECK(init::questions_line(1) == "1 question open (supervisorctl asks)\n");
  CHECK(init::questions_line(16) == "16 questions open (supervisorctl asks)\n");
  CHECK(init::count_of("[{},{}]") == 2);
}

TEST_CASE("the runner's answer comes back, its refusal too, and its silence is an error") {
  std::string directory = "/tmp/runner_client_test.XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/runner.sock";
  const auto listening = os::listen_unix(path, 0600, os::SocketType::seqpacket);
  REQUIRE(listening.ok());
  std::thread server([&] {
    using runner::FrameKind;
    for (const FrameKind kind : {FrameKind::text, FrameKind::refused, FrameKind::started}) {
      const auto connection = os::accept_unix(listening.value().get());
      REQUIRE(connection.ok());
      CHECK(os::receive_message(connection.value().get()).ok());
      CHECK(runner::send_frame(connection.value().get(), {kind, 2, "words", {}, {}}).ok());
    }
    const auto silent = os::accept_unix(listening.value().get());
    CHECK(silent.ok());
  });
  const runner::Frame question{runner::FrameKind::asks, 0, "", {}, {}};
  const auto text = init::ask_runner(path, question);
  REQUIRE(text.ok());
  CHECK(text.value().text == "words");
  const auto refused = init::ask_runner(path, question);
  REQUIRE(refused.ok());
  CHECK(refused.value().kind == runner::FrameKind::refused);
  CHECK(init::ask_runner(path, question).error().code == EPROTO);
  CHECK(!init::ask_runner(path, question).ok());
  server.join();
  ::unlink(path.c_str());
  CHECK(init::ask_runner(path, question).error().code == ENOENT);
  ::rmdir(directory.c_str());
}
