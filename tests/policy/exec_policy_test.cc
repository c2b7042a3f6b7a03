#include "policy/exec_policy.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

using policy::Action;
using policy::ExecPolicy;
using policy::ExecRequest;
using policy::Verdict;

namespace {

/// A policy of one deny rule with the given `match`, and one that runs the rest.
ExecPolicy one_rule(std::string_view match) {
  const std::string text = std::string(R"({"default_profile": "p",
    "profiles": {"p": {"env": {"allow": ["*"]}}},
    "rules": [{"id": "tested", "verdict": "deny", "reason": "no", "match": )") +
                           std::string(match) + R"(}, {"id": "rest", "verdict": "run"}]})";
  auto parsed = policy::parse_policy(text, "test.json");
  REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().text()));
  return std::move(parsed).value().exec;
}

ExecRequest git_push() {
  ExecRequest request;
  request.path = "/usr/bin/git";
  request.argv = {"git", "push", "--force", "origin"};
  request.env = {"HOME=/home/agentuser", "GIT_DIR=/workspace/.git", "CI=1"};
  request.cwd = "/workspace/app";
  return request;
}

struct Row {
  std::string_view match;
  bool matches;
  std::string_view why;  // of explain(): why the rule does not match, or what made it
};

void check_rows(const std::vector<Row>& rows, const ExecRequest& request) {
  for (const Row& row : rows) {
    CAPTURE(row.match);
    const ExecPolicy policy = one_rule(row.match);
    const policy::Explanation explanation = policy::explain(policy, request);
    CHECK(policy::decide(policy, request).rule == (row.matches ? "tested" : "rest"));
    CHECK(explanation.findings.front().matches == row.matches);
    CHECK(explanation.findings.front().why == row.why);
  }
}

}  // namespace

TEST_CASE("a rule matches a path by one of its patterns") {
  check_rows(
      {{R"({"path": ["**/git"]})", true, "the path matches '**/git'"},
       {R"({"path": ["/bin/sh", "/usr/**"]})", true, "the path matches '/bin/sh' or '/usr/**'"},
       {R"({"path": ["/bin/git"]})", false, "the path is '/usr/bin/git', not '/bin/git'"}},
      git_push());
}

TEST_CASE("a rule sees a path without double slashes and dots") {
  ExecRequest request = git_push();
  for (const char* path : {"/usr//bin/git", "/usr/./bin/git", "/usr/bin/../bin/git",
                           "/../usr/bin/git", "//usr/lib/../bin/./git"}) {
    CAPTURE(path);
    request.path = path;
    CHECK(policy::decide(one_rule(R"({"path": ["/usr/bin/git"]})"), request).rule == "tested");
  }
}

TEST_CASE("a rule matches arguments by position, anywhere, nowhere and by their number") {
  check_rows(
      {{R"({"argv": [{"at": 1, "is": "push"}]})", true, "argument 1 matches 'push'"},
       {R"({"argv": [{"at": 0, "is": "git"}]})", true, "argument 0 matches 'git'"},
       {R"({"argv": [{"at": 1, "is": "pull"}]})", false, "argument 1 is 'push', not 'pull'"},
       {R"({"argv": [{"at": 9, "is": "*"}]})", false, "there is no argument 9"},
       {R"({"argv": [{"any": "--force*"}]})", true, "an argument matches '--force*'"},
       {R"({"argv": [{"any": "git"}]})", false, "no argument matches 'git'"},
       {R"({"argv": [{"none": "--dry-run"}]})", true, "no argument matches '--dry-run'"},
       {R"({"argv": [{"none": "or*"}]})", false, "an argument matches 'or*'"},
       {R"({"argv": [{"at": 1, "is": "push"}, {"any": "-f"}]})", false, "no argument matches '-f'"},
       {R"({"argc": {"min": 4, "max": 4}})", true, "argc fits"},
       {R"({"argc": {"min": 5}})", false, "argc is 4, the rule wants at least 5"},
       {R"({"argc": {"max": 3}})", false, "argc is 4, the rule wants at most 3"}},
      git_push());
}

TEST_CASE("a rule matches variables by name, present or absent") {
  check_rows({{R"({"env": {"present": ["CI"]}})", true, "a variable is named 'CI'"},
              {R"({"env": {"present": ["CI", "GIT_*"]}})", true,
               "a variable is named 'CI'; a variable is named 'GIT_*'"},
              {R"({"env": {"present": ["CI", "NO"]}})", false, "no variable is named 'NO'"},
              {R"({"env": {"present": ["1"]}})", false, "no variable is named '1'"},
              {R"({"env": {"absent": ["LD_*"]}})", true, "no variable is named 'LD_*'"},
              {R"({"env": {"absent": ["LD_*", "GIT_*"]}})", false,
               "the variable 'GIT_DIR' is set, the rule wants none named 'GIT_*'"}},
             git_push());
}

TEST_CASE("a rule matches a working directory and what is below it") {
  check_rows(
      {{R"({"cwd": ["/workspace"]})", true, "the working directory is below '/workspace'"},
       {R"({"cwd": ["/workspace/app"]})", true, "the working directory is below '/workspace/app'"},
       {R"({"cwd": ["/"]})", true, "the working directory is below '/'"},
       {R"({"cwd": ["/tmp", "/workspace/ap"]})", false,
        "the working directory '/workspace/app' is not below '/tmp' or '/workspace/ap'"}},
      git_push());
}

TEST_CASE("every condition of a rule must hold") {
  check_rows({{R"({"path": ["**/git"], "argv": [{"any": "push"}], "cwd": ["/workspace"],
                   "env": {"present": ["CI"]}})",
               true,
               "the path matches '**/git'; an argument matches 'push'; a variable is named 'CI'; "
               "the working directory is below '/workspace'"},
              {R"({"path": ["**/git"], "argv": [{"any": "push"}], "cwd": ["/tmp"]})", false,
               "the working directory '/workspace/app' is not below '/tmp'"}},
             git_push());
}

TEST_CASE("what a caller wrote is printed without control characters") {
  ExecRequest request = git_push();
  request.argv[1] = "pu\x1b[31msh\n";
  check_rows({{R"({"argv": [{"at": 1, "is": "pull"}]})", false,
               "argument 1 is 'pu\\x1b[31msh\\x0a', not 'pull'"}},
             request);
}

TEST_CASE("an empty argument list matches no argument") {
  ExecRequest request = git_push();
  request.argv.clear();
  check_rows({{R"({"argv": [{"at": 0, "is": "*"}]})", false, "there is no argument 0"},
              {R"({"argv": [{"any": "*"}]})", false, "no argument matches '*'"},
              {R"({"argv": [{"none": "*"}]})", true, "no argument matches '*'"}},
             request);
}

TEST_CASE("the first rule that matches decides") {
  const auto parsed = policy::parse_policy(R"({"default_profile": "p",
    "profiles": {"p": {"env": {"allow": ["*"]}}, "q": {"env": {"allow": ["*"]}}},
    "rules": [
      {"id": "one", "verdict": "ask", "timeout": 5, "match": {"path": ["**/git"]}, "profile": "q"},
      {"id": "two", "verdict": "deny", "reason": "never reached", "match": {"path": ["**/git"]}},
      {"id": "three", "verdict": "stub", "stub": "files", "match": {"path": ["/opt/**"]}},
      {"id": "four", "verdict": "deny", "reason": "quiet", "silent": true,
       "match": {"path": ["**/ls"]}}]})",
                                           "test.json");
  REQUIRE(parsed.ok());
  const ExecPolicy& exec = parsed.value().exec;

  const Verdict asked = policy::decide(exec, git_push());
  CHECK(asked.action == Action::ask);
  CHECK(asked.rule == "one");
  CHECK(asked.profile == "q");
  CHECK(asked.timeout.count() == 5);

  ExecRequest request = git_push();
  request.path = "/opt/files";
  const Verdict stubbed = policy::decide(exec, request);
  CHECK(stubbed.action == Action::stub);
  CHECK(stubbed.stub == "files");

  request.path = "/usr/bin/ls";
  const Verdict denied = policy::decide(exec, request);
  CHECK(denied.action == Action::deny);
  CHECK(denied.silent);
  CHECK(denied.reason == "quiet");
}

TEST_CASE("what no rule matches is denied") {
  const ExecPolicy nothing;
  const Verdict verdict = policy::decide(nothing, git_push());
  CHECK(verdict.action == Action::deny);
  CHECK(verdict.rule == policy::kNoRule);
  CHECK(verdict.reason == "no rule of the policy allows it");
  CHECK(policy::explain(nothing, git_push()).findings.empty());
}

TEST_CASE("only the CLI's own program gets the verdict self") {
  const auto shipped = policy::load_policy("default");
  REQUIRE(shipped.ok());
  ExecRequest request = git_push();
  CHECK(policy::decide(shipped.value().exec, request).action == Action::run);
  CHECK(policy::explain(shipped.value().exec, request).findings.front().why ==
        "not one of the CLI's own programs in a way that its self rules allow");
  request.own_program = true;
  CHECK(policy::decide(shipped.value().exec, request).action == Action::self);
}

TEST_CASE("observe mode runs what would be denied and says by which rule") {
  ExecPolicy policy = one_rule(R"({"path": ["**/git"]})");
  policy.observe = true;
  const Verdict verdict = policy::decide(policy, git_push());
  CHECK(verdict.action == Action::run);
  CHECK(verdict.observed);
  CHECK(verdict.rule == "tested");
  CHECK(verdict.reason == "no");
  CHECK(verdict.profile == "p");

  ExecRequest other = git_push();
  other.path = "/usr/bin/ls";
  CHECK_FALSE(policy::decide(policy, other).observed);

  policy.rules.clear();
  CHECK(policy::decide(policy, git_push()).observed);
}

TEST_CASE("a request of the explicit route gets a profile of its own") {
  const auto shipped = policy::load_policy("default");
  REQUIRE(shipped.ok());
  ExecRequest request = git_push();
  CHECK(policy::decide(shipped.value().exec, request).profile == "task");
  request.explicit_route = true;
  CHECK(policy::decide(shipped.value().exec, request).profile == "isolated");
}
