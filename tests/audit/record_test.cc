#include "audit/record.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace {

using nlohmann::json;

audit::RecordHeader event_header(std::string_view action) {
  audit::RecordHeader header{};
  header.kind = audit::RecordKind::event;
  header.action_bytes = static_cast<std::uint32_t>(action.size());
  header.number = 42;
  header.time_ns = 1;
  return header;
}

int refusal(std::string_view message) {
  const auto record = audit::read_message(message);
  return record.ok() ? 0 : record.error().code;
}

int refusal_of_data(std::string_view data) {
  return refusal(audit::make_message(event_header("exec-denied"), "exec-denied", data));
}

}  // namespace

TEST_CASE("a message is read back as it was made") {
  const std::string message =
      audit::make_message(event_header("exec-denied"), "exec-denied", R"({"a":1})");
  const auto record = audit::read_message(message);
  REQUIRE(record.ok());
  CHECK(record.value().action == "exec-denied");
  CHECK(record.value().data == R"({"a":1})");
  CHECK(record.value().header.number == 42);
  CHECK(audit::number_of(message) == 42);
}

TEST_CASE("a message that could forge or break a line is refused") {
  CHECK(refusal("") == EBADMSG);
  CHECK(refusal(std::string(sizeof(audit::RecordHeader), 'x')) == EBADMSG);
  audit::RecordHeader header = event_header("exec-denied");
  header.action_bytes = 1000;
  CHECK(refusal(audit::make_message(header, "exec-denied", "{}")) == EBADMSG);
  header = event_header("exec-denied");
  header.time_ns = -1;
  CHECK(refusal(audit::make_message(header, "exec-denied", "{}")) == EBADMSG);
  CHECK(refusal(audit::make_message(event_header("unheard-of"), "unheard-of", "{}")) == EBADMSG);

  CHECK(refusal_of_data("{}") == 0);
  for (const char* bad : {"", "1", "[]", "{", "{}{}", R"({"a":1},"seq":7,"b":{"c":1})", "{\n}",
                          "{\"a\":\"\xff\"}", "{\"a\":\"\x1b\"}"}) {
    CHECK(refusal_of_data(bad) == EBADMSG);
  }
}

TEST_CASE("a line is a CloudEvents envelope with the stamp, and its end can be read back") {
  audit::Stamp stamp;
  stamp.session = "s-\"1\"";
  stamp.seq = 9;
  stamp.time_ns = 1764020523'123456789;
  stamp.number = 11;
  stamp.sender_pid = 5;
  stamp.sender_uid = 1002;
  const std::string line = audit::make_line(stamp, "exec-denied", R"({"a":1})");
  CHECK(json::parse(line) == json::parse(R"({
    "specversion": "1.0", "id": "s-\"1\".9", "source": "/coding-agents/container",
    "type": "io.coding-agents.exec-denied", "subject": "session/s-\"1\"",
    "time": "2025-11-24T21:42:03.123456Z", "datacontenttype": "application/json",
    "seq": 9, "senderpid": 5, "senderuid": 1002, "number": 11, "data": {"a": 1}})"));
  CHECK(line.find('\n') == line.size() - 1);

  const auto last = audit::read_line(line);
  REQUIRE(last.ok());
  CHECK(last.value().seq == 9);
  CHECK(last.value().number == 11);
  CHECK(last.value().sender_pid == 5);
}

TEST_CASE("times are written as gmtime has them, from 1970 to 2200") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    const auto seconds = static_cast<std::time_t>(random() % 7'258'118'400U);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000007Z", &parts);
    audit::Stamp stamp;
    stamp.time_ns = seconds * 1'000'000'000 + 7'999;
    const json line = json::parse(audit::make_line(stamp, "exec-denied", "{}"));
    REQUIRE(line["time"] == text);
  }
}

TEST_CASE("a line that is no record is not taken for one") {
  for (const char* bad : {"", "x", "{}", "[]", R"({"seq":0})", R"({"seq":"1"})", R"({"seq":-1})"}) {
    CHECK_FALSE(audit::read_line(bad).ok());
  }
}
