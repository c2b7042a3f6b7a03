#include "runner/asks.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

using runner::Answer;
using runner::Asks;

namespace {

policy::Verdict verdict(std::chrono::seconds timeout = std::chrono::seconds(30)) {
  policy::Verdict verdict;
  verdict.action = policy::Action::ask;
  verdict.rule = "careful";
  verdict.timeout = timeout;
  return verdict;
}

policy::ExecRequest request(std::vector<std::string> argv) {
  policy::ExecRequest request;
  request.path = "/usr/bin/npm";
  request.argv = std::move(argv);
  request.cwd = "/workspace";
  return request;
}

bool there() { return true; }

}  // namespace

TEST_CASE("an answer ends the wait, and all waits for the same, and is remembered") {
  Asks asks;
  const auto publish = request({"npm", "publish"});
  REQUIRE(asks.open(7, verdict(), publish));
  REQUIRE(asks.open(8, verdict(), publish));
  CHECK(asks.questions().size() == 2);
  Answer first{};
  Answer second{};
  std::thread one([&] { first = asks.wait(7, there); });
  std::thread two([&] { second = asks.wait(8, there); });
  CHECK(asks.answer(8, true));
  CHECK(!asks.answer(8, false));
  CHECK(asks.questions().empty());
  one.join();
  two.join();
  CHECK(first == Answer::yes);
  CHECK(second == Answer::yes);
  CHECK(asks.remembered(verdict(), publish) == true);
}

TEST_CASE("what differs in rule, program, arguments or directory is another question") {
  Asks asks;
  REQUIRE(asks.open(1, verdict(), request({"npm", "publish"})));
  REQUIRE(asks.answer(1, false));
  CHECK(asks.wait(1, there) == Answer::no);
  CHECK(asks.remembered(verdict(), request({"npm", "publish"})) == false);
  CHECK(!asks.remembered(verdict(), request({"npm", "publish", ""})).has_value());
  CHECK(!asks.remembered(verdict(), request({"npm publish"})).has_value());
  auto elsewhere = request({"npm", "publish"});
  elsewhere.cwd = "/workspace/other";
  CHECK(!asks.remembered(verdict(), elsewhere).has_value());
  auto other_program = request({"npm", "publish"});
  other_program.path = "/workspace/npm";
  CHECK(!asks.remembered(verdict(), other_program).has_value());
  auto other_rule = verdict();
  other_rule.rule = "other";
  CHECK(!asks.remembered(other_rule, request({"npm", "publish"})).has_value());
}

TEST_CASE("too late is a no that is not remembered") {
  Asks asks;
  const auto late = verdict(std::chrono::seconds(0));
  REQUIRE(asks.open(1, late, request({"a"})));
  CHECK(!asks.answer(1, true));
  CHECK(asks.wait(1, there) == Answer::late);
  CHECK(!asks.remembered(late, request({"a"})).has_value());
}

TEST_CASE("a question closes when nobody waits for its answer") {
  Asks asks;
  std::atomic<bool> waits{true};
  REQUIRE(asks.open(1, verdict(), request({"a"})));
  std::thread caller([&] { waits = false; });
  CHECK(asks.wait(1, [&] { return waits.load(); }) == Answer::gone);
  caller.join();
  CHECK(!asks.answer(1, true));
  CHECK(asks.wait(1, there) == Answer::gone);
}

TEST_CASE("no more than 16 are open") {
  Asks asks;
  for (std::uint64_t id = 1; id <= Asks::kMostOpen; ++id) {
    REQUIRE(asks.open(id, verdict(), request({std::to_string(id)})));
  }
  CHECK(!asks.open(17, verdict(), request({"17"})));
  REQUIRE(asks.answer(3, false));
  CHECK(asks.wait(3, there) == Answer::no);
  CHECK(asks.open(17, verdict(), request({"17"})));
}

TEST_CASE("a command is one printable, bounded line that shows where arguments end") {
  CHECK(runner::command_line({"git", "push", "--tags"}) == "git push --tags");
  CHECK(runner::command_line({"a", "b c", "", "it's", "$x"}) == R"(a 'b c' '' 'it'\''s' '$x')");
  CHECK(runner::command_line({"\x1b[31m", "a\nb"}) == R"('\x1b[31m' 'a\x0ab')");
  CHECK(runner::command_line({}).empty());
  const std::string much = runner::command_line({"x", std::string(1 << 20, '\x1b'), "last"});
  CHECK(much.size() < 2000);
  CHECK(much.ends_with("... [3 words, 1048583 bytes]"));
}
