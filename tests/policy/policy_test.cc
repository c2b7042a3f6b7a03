#include "policy/policy.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using policy::Level;
using policy::Policy;
using policy::Profile;
using policy::Protection;

namespace {

Policy loaded(const std::string& name) {
  auto result = policy::load_policy(name);
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().text()));
  return std::move(result).value();
}

Policy parsed(std::string_view text) {
  auto result = policy::parse_policy(text, "test.json");
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().text()));
  return std::move(result).value();
}

}  // namespace

TEST_CASE("the default policy runs everything in profile task and requires what every kernel has") {
  const Policy policy = loaded("default");
  CHECK_FALSE(policy.exec.observe);
  CHECK(policy.exec.default_profile == "task");
  CHECK(policy.exec.task_run_profile == "isolated");
  for (const Protection protection :
       {Protection::uid_split, Protection::exec_trap, Protection::pid_namespace,
        Protection::mount_namespace, Protection::no_new_privs, Protection::bpf}) {
    CHECK(policy.require.at_least(protection) == Level::full);
  }
  for (const Protection protection : {Protection::landlock, Protection::memfd_noexec,
                                      Protection::apparmor, Protection::workspace_idmap}) {
    CHECK(policy.require.at_least(protection) == Level::none);
  }
}

TEST_CASE("profile task is a session's pid namespace, isolated one for each command") {
  const Policy policy = loaded("default");
  const Profile& task = policy.profiles.at("task");
  CHECK(task.pidns == Profile::PidNs::session);
  CHECK(task.on_exit == Profile::OnExit::linger);
  CHECK(task.suid == Profile::Suid::deny);
  CHECK(task.userns == Profile::Userns::deny);
  const Profile& isolated = policy.profiles.at("isolated");
  CHECK(isolated.pidns == Profile::PidNs::command);
  CHECK(isolated.on_exit == Profile::OnExit::kill);
}

TEST_CASE("strict is the default policy, isolated and with every protection required") {
  const Policy policy = loaded("strict");
  CHECK(policy.exec.default_profile == "isolated");
  for (const Protection protection :
       {Protection::uid_split, Protection::exec_trap, Protection::landlock,
        Protection::memfd_noexec, Protection::apparmor}) {
    CHECK(policy.require.at_least(protection) == Level::full);
  }
  policy::ExecRequest request;
  request.path = "/usr/bin/make";
  CHECK(policy::decide(policy.exec, request).profile == "isolated");
}

TEST_CASE("a policy that extends another puts its rules in front and replaces what it names") {
  const Policy policy = parsed(R"({
    "extends": "default",
    "mode": "observe",
    "require": {"landlock": "partial", "exec-trap": "none"},
    "profiles": {"isolated": {"pidns": "command", "env": {"allow": ["PATH"]}},
                 "build": {"env": {"allow": ["*"]}, "limits": {"processes": 64}}},
    "rules": [{"id": "builds", "verdict": "run", "match": {"path": ["**/make"]},
               "profile": "build"}]})");
  CHECK(policy.exec.observe);
  REQUIRE(policy.exec.rules.size() == 3);
  CHECK(policy.exec.rules[0].id == "builds");
  CHECK(policy.exec.rules[1].id == "cli-itself");
  CHECK(policy.exec.default_profile == "task");
  CHECK(policy.require.at_least(Protection::landlock) == Level::partial);
  CHECK(policy.require.at_least(Protection::exec_trap) == Level::none);
  CHECK(policy.require.at_least(Protection::bpf) == Level::full);
  CHECK(policy.profiles.size() == 3);
  CHECK(policy.profiles.at("isolated").env.allow.size() == 1);
  CHECK(policy.profiles.at("build").limits.processes == 64);
}

TEST_CASE("a profile reads everything that it can say") {
  const Policy policy = parsed(R"({
    "default_profile": "all",
    "profiles": {"all": {
      "pidns": "command", "on_exit": "kill", "suid": "allow", "userns": "allow",
      "env": {"allow": ["A*"], "deny": ["AB"], "set": {"X": "1", "Y": ""}},
      "limits": {"wall_seconds": 1, "cpu_seconds": 2, "memory_mb": 3, "processes": 4,
                 "open_files": 5, "file_size_mb": 6},
      "write": ["/workspace", "/tmp"]}},
    "rules": []})");
  const Profile& profile = policy.profiles.at("all");
  CHECK(profile.name == "all");
  CHECK(profile.pidns == Profile::PidNs::command);
  CHECK(profile.on_exit == Profile::OnExit::kill);
  CHECK(profile.suid == Profile::Suid::allow);
  CHECK(profile.userns == Profile::Userns::allow);
  CHECK(profile.env.allow.at(0).pattern() == "A*");
  CHECK(profile.env.deny.at(0).pattern() == "AB");
  CHECK(profile.env.set == policy::EnvRules{{}, {}, {{"X", "1"}, {"Y", ""}}}.set);
  CHECK(profile.limits.wall_seconds == 1);
  CHECK(profile.limits.cpu_seconds == 2);
  CHECK(profile.limits.memory_mb == 3);
  CHECK(profile.limits.processes == 4);
  CHECK(profile.limits.open_files == 5);
  CHECK(profile.limits.file_size_mb == 6);
  CHECK(profile.write == std::vector<std::string>{"/workspace", "/tmp"});
}

TEST_CASE("without a profile of its own the explicit route uses the default one") {
  const Policy policy = parsed(R"({"default_profile": "p",
    "profiles": {"p": {"env": {"allow": ["*"]}}}, "rules": []})");
  CHECK(policy.exec.task_run_profile == "p");
}

TEST_CASE("asking waits a minute unless the rule says how long") {
  const Policy policy = parsed(R"({"extends": "default", "rules": [
    {"id": "a", "verdict": "ask", "match": {"path": ["/a"]}},
    {"id": "b", "verdict": "ask", "match": {"path": ["/b"]}, "timeout": 600}]})");
  CHECK(policy.exec.rules[0].timeout.count() == 60);
  CHECK(policy.exec.rules[1].timeout.count() == 600);
}

TEST_CASE("a policy file that cannot be read says so") {
  const auto result = policy::load_policy("/nonexistent/policy.json");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().text().find("/nonexistent/policy.json") != std::string::npos);
  CHECK(result.error().text().find("ENOENT") != std::string::npos);
}
