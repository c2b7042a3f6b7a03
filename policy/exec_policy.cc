#include "policy/exec_policy.h"

#include "policy/matching.h"

namespace policy {
namespace {

const std::string& default_profile(const ExecPolicy& policy, const ExecRequest& request) {
  return request.explicit_route ? policy.task_run_profile : policy.default_profile;
}

Verdict verdict_of(const Rule& rule) {
  Verdict verdict;
  verdict.action = rule.action;
  verdict.rule = rule.id;
  verdict.profile = rule.profile;
  verdict.reason = rule.reason;
  verdict.silent = rule.silent;
  verdict.timeout = rule.timeout;
  verdict.stub = rule.stub;
  return verdict;
}

// `rule` is the one that matches, or nullptr.
Verdict conclude(const ExecPolicy& policy, const ExecRequest& request, const Rule* rule) {
  Verdict verdict;
  if (rule != nullptr) {
    verdict = verdict_of(*rule);
  } else {
    verdict.rule = kNoRule;
    verdict.reason = "no rule of the policy allows it";
  }
  const bool stopped = verdict.action == Action::deny || verdict.action == Action::ask;
  if (policy.observe && stopped) {
    verdict.action = Action::run;
    verdict.observed = true;
    verdict.silent = false;
  }
  const bool in_sandbox = verdict.action != Action::self && verdict.action != Action::deny;
  if (in_sandbox && verdict.profile.empty()) verdict.profile = default_profile(policy, request);
  return verdict;
}

}  // namespace

Verdict decide(const ExecPolicy& policy, const ExecRequest& request) {
  const Subject subject(request);
  for (const Rule& rule : policy.rules) {
    if (!first_difference(rule, subject)) return conclude(policy, request, &rule);
  }
  return conclude(policy, request, nullptr);
}

Explanation explain(const ExecPolicy& policy, const ExecRequest& request) {
  const Subject subject(request);
  Explanation explanation;
  for (const Rule& rule : policy.rules) {
    const auto difference = first_difference(rule, subject);
    if (!difference) {
      explanation.findings.push_back({rule.id, true, describe_match(rule)});
      explanation.verdict = conclude(policy, request, &rule);
      return explanation;
    }
    explanation.findings.push_back({rule.id, false, describe(*difference, rule, subject)});
  }
  explanation.verdict = conclude(policy, request, nullptr);
  return explanation;
}

}  // namespace policy
