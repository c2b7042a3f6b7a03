// What must hold for every policy and every request, tried on many of both.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <iostream>
#include <random>
#include <string>
#include <string_view>

#include "policy/exec_policy.h"
#include "policy/policy.h"

using policy::Action;
using policy::ArgumentTest;
using policy::ExecPolicy;
using policy::ExecRequest;
using policy::Glob;
using policy::Rule;
using policy::Verdict;

namespace {

constexpr int kRounds = 20'000;

/// Makes policies and requests from a small vocabulary, so that they often meet.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return random_() % end; }
  bool one_in(std::size_t n) { return below(n) == 0; }

  std::string word() {
    constexpr std::array<std::string_view, 6> kWords = {"a", "b", "git", "push", "LD_X", "/"};
    return std::string(kWords[below(kWords.size())]);
  }
  std::string path() {
    std::string out;
    do out += "/" + word();
    while (!one_in(3));
    return out;
  }
  std::string pattern() {
    constexpr std::array<std::string_view, 4> kStars = {"*", "**", "?", ""};
    return word() + std::string(kStars[below(kStars.size())]);
  }

  Rule rule(std::size_t number) {
    Rule rule;
    rule.id = "r" + std::to_string(number);
    rule.action = static_cast<Action>(below(5));
    if (one_in(2)) rule.match.path.emplace_back("**/" + pattern(), Glob::Kind::path);
    if (one_in(3)) {
      const auto where = static_cast<ArgumentTest::Where>(below(3));
      rule.match.argv.push_back({where, below(3), Glob(pattern(), Glob::Kind::text)});
    }
    if (one_in(4)) rule.match.argc_min = below(4);
    if (one_in(4)) rule.match.argc_max = below(4);
    if (one_in(4)) rule.match.env_present.emplace_back(pattern(), Glob::Kind::text);
    if (one_in(4)) rule.match.env_absent.emplace_back(pattern(), Glob::Kind::text);
    if (one_in(4)) rule.match.cwd.push_back(path());
    return rule;
  }
  ExecPolicy policy() {
    ExecPolicy policy;
    policy.default_profile = "p";
    policy.task_run_profile = "q";
    const std::size_t count = below(6);
    for (std::size_t i = 0; i < count; ++i) policy.rules.push_back(rule(i));
    return policy;
  }
  ExecRequest request() {
    ExecRequest request;
    request.path = path();
    request.cwd = path();
    while (!one_in(3)) request.argv.push_back(word());
    while (!one_in(3)) request.env.push_back(word() + "=" + word());
    request.own_program = one_in(4);
    request.explicit_route = one_in(4);
    return request;
  }

 private:
  std::mt19937 random_;
};

bool allows(const Verdict& verdict) { return verdict.action != Action::deny; }

bool same(const Verdict& a, const Verdict& b) {
  return a.action == b.action && a.rule == b.rule && a.profile == b.profile &&
         a.reason == b.reason && a.silent == b.silent && a.timeout == b.timeout &&
         a.stub == b.stub && a.observed == b.observed;
}

}  // namespace

TEST_CASE("a deny rule in front never allows more and changes nothing that it does not match") {
  Maker make(1);
  int newly_denied = 0;
  for (int round = 0; round < kRounds; ++round) {
    const ExecPolicy before = make.policy();
    ExecPolicy after = before;
    Rule rule = make.rule(99);
    rule.action = Action::deny;
    after.rules.insert(after.rules.begin(), rule);
    const ExecRequest request = make.request();
    const Verdict old_verdict = policy::decide(before, request);
    const Verdict new_verdict = policy::decide(after, request);
    REQUIRE((allows(old_verdict) || !allows(new_verdict)));
    if (new_verdict.rule != rule.id) REQUIRE(same(old_verdict, new_verdict));
    if (allows(old_verdict) && !allows(new_verdict)) ++newly_denied;
  }
  CHECK(newly_denied > kRounds / 100);  // else the rounds showed nothing
}

TEST_CASE("a rule at the end changes only what no rule matched") {
  Maker make(2);
  for (int round = 0; round < kRounds; ++round) {
    const ExecPolicy before = make.policy();
    ExecPolicy after = before;
    after.rules.push_back(make.rule(99));
    const ExecRequest request = make.request();
    const Verdict old_verdict = policy::decide(before, request);
    if (old_verdict.rule == policy::kNoRule) continue;
    REQUIRE(same(old_verdict, policy::decide(after, request)));
  }
}

TEST_CASE("a condition more never makes a rule match more") {
  Maker make(3);
  for (int round = 0; round < kRounds; ++round) {
    ExecPolicy policy;
    policy.rules.push_back(make.rule(0));
    const ExecRequest request = make.request();
    const bool before = policy::decide(policy, request).rule != policy::kNoRule;
    policy.rules[0].match.env_present.emplace_back(make.pattern(), Glob::Kind::text);
    const bool after = policy::decide(policy, request).rule != policy::kNoRule;
    REQUIRE((before || !after));
  }
}

TEST_CASE("explain agrees with decide") {
  Maker make(4);
  for (int round = 0; round < kRounds; ++round) {
    ExecPolicy policy = make.policy();
    policy.observe = make.one_in(3);
    const ExecRequest request = make.request();
    const policy::Explanation explanation = policy::explain(policy, request);
    REQUIRE(same(policy::decide(policy, request), explanation.verdict));
    for (std::size_t i = 0; i < explanation.findings.size(); ++i) {
      const bool last = i + 1 == explanation.findings.size();
      const bool decided = explanation.verdict.rule != policy::kNoRule;
      REQUIRE(explanation.findings[i].rule == policy.rules[i].id);
      REQUIRE(explanation.findings[i].matches == (last && decided));
      REQUIRE_FALSE(explanation.findings[i].why.empty());
    }
  }
}

TEST_CASE("observe mode differs from enforcing only where that denies or asks") {
  Maker make(5);
  for (int round = 0; round < kRounds; ++round) {
    ExecPolicy policy = make.policy();
    const ExecRequest request = make.request();
    const Verdict enforced = policy::decide(policy, request);
    policy.observe = true;
    const Verdict observed = policy::decide(policy, request);
    const bool stopped = enforced.action == Action::deny || enforced.action == Action::ask;
    REQUIRE(observed.observed == stopped);
    REQUIRE(observed.rule == enforced.rule);
    if (stopped) {
      REQUIRE(observed.action == Action::run);
      REQUIRE_FALSE(observed.profile.empty());
    } else {
      REQUIRE(same(observed, enforced));
    }
  }
}

TEST_CASE("self is never the verdict on a foreign program") {
  Maker make(6);
  for (int round = 0; round < kRounds; ++round) {
    ExecRequest request = make.request();
    request.own_program = false;
    REQUIRE(policy::decide(make.policy(), request).action != Action::self);
  }
}

TEST_CASE("how long a decision and an environment take (printed, not judged)") {
  const auto shipped = policy::load_policy("default");
  REQUIRE(shipped.ok());
  ExecRequest request;
  request.path = "/usr/bin/bash";
  request.argv = {"bash", "-c", "make -j4"};
  request.cwd = "/workspace";
  for (int i = 0; i < 40; ++i) request.env.push_back("SOME_VARIABLE_" + std::to_string(i) + "=x");

  const auto nanoseconds = [](auto call) {
    constexpr int kTimes = 20'000;
    const auto start = std::chrono::steady_clock::now();
    std::size_t used = 0;
    for (int i = 0; i < kTimes; ++i) used += call();
    const auto taken = std::chrono::steady_clock::now() - start;
    CHECK(used > 0);
    return std::chrono::duration_cast<std::chrono::nanoseconds>(taken).count() / kTimes;
  };
  const auto& policy = shipped.value();
  const auto& task = policy.profiles.at("task");
  std::cout << "decide: "
            << nanoseconds([&] { return policy::decide(policy.exec, request).rule.size(); })
            << " ns; filter_env of 40 variables: "
            << nanoseconds([&] { return policy::filter_env(task.env, request.env).size(); })
            << " ns\n";
}
