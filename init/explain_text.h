// Shows an explanation of the policy: for a person, and as JSON.
#pragma once

#include <string>

#include "policy/exec_policy.h"
#include "policy/policy.h"

namespace init {

/// Borrows all but the name.
struct ExplainedCommand {
  std::string policy_name;
  const policy::ExecRequest& request;
  const policy::Policy& policy;
  const policy::Explanation& explanation;
};

/// Several lines: the verdict, its reason and profile, then each rule and why it did not match.
std::string explain_text(const ExplainedCommand& command);

/// One line: {"policy", "path", "argv", "cwd", "verdict", "rule", "profile", "reason", "observed",
/// "silent", "timeout", "stub", "withheld", "rules": [{"rule", "matches", "why"}]}.
std::string explain_json(const ExplainedCommand& command);

}  // namespace init
