#include "init/cli_env.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

policy::Agent custom() {
  auto agent = policy::load_agent("custom");
  REQUIRE(agent.ok());
  return std::move(agent).value();
}

}  // namespace

TEST_CASE("of the caller's environment only terminal, language and time zone reach the CLI") {
  const auto env = init::cli_environment(
      custom(),
      {"TERM=xterm", "LC_ALL=C.UTF-8", "TZ=UTC", "LANG=C", "GITHUB_TOKEN=secret", "HOME=/root",
       "PATH=/evil", "NO_COLOR=1", "=odd", "odd"},
      {});
  CHECK(init::value_of(env, "TERM") == "xterm");
  CHECK(init::value_of(env, "LC_ALL") == "C.UTF-8");
  CHECK(init::value_of(env, "TZ") == "UTC");
  CHECK(init::value_of(env, "NO_COLOR") == "1");
  CHECK(init::value_of(env, "GITHUB_TOKEN").empty());
  CHECK(init::value_of(env, "HOME") == "/home/agentuser");
  CHECK(init::value_of(env, "PATH") == init::kCliPath);
  CHECK(init::value_of(env, "AGENT_TASK_RUNNER_SOCKET") == "/run/agent-task-runner.sock");
}

TEST_CASE("what the user gives is set, but nothing that makes the CLI execute something") {
  const auto env =
      init::cli_environment(custom(), {},
                            {"PATH=/opt/x:/usr/bin", "EDITOR=vi", "LD_PRELOAD=/tmp/x.so",
                             "BASH_ENV=/tmp/x", "NODE_OPTIONS=--require=/tmp/x"});
  CHECK(init::value_of(env, "PATH") == "/opt/x:/usr/bin");
  CHECK(init::value_of(env, "EDITOR") == "vi");
  for (const char* name : {"LD_PRELOAD", "BASH_ENV", "NODE_OPTIONS"}) {
    CHECK(std::none_of(env.begin(), env.end(), [&](const std::string& entry) {
      return entry.starts_with(std::string(name) + "=");
    }));
  }
}

TEST_CASE("a name is set once") {
  const auto env = init::cli_environment(custom(), {"TERM=a"}, {"TERM=b", "TERM=c"});
  CHECK(std::count_if(env.begin(), env.end(),
                      [](const std::string& entry) { return entry.starts_with("TERM="); }) == 1);
  CHECK(init::value_of(env, "TERM") == "c");
  CHECK(init::value_of({"ODD", "TERMINAL=x"}, "TERM").empty());
  CHECK(init::value_of({"TERM"}, "TERM").empty());
}
