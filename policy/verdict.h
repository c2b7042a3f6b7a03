// What the policy says about one request.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace policy {

enum class Action {
  run,   // in a sandbox, as agentuser
  self,  // the CLI executes itself, as agentcli
  stub,  // through the named stub
  ask,   // the person at the host decides; no answer in time denies
  deny,
};

/// `run`, `self`, `stub`, `ask`, `deny`: the words of the policy file and of the event log.
std::string_view name(Action action);

struct Verdict {
  Action action = Action::deny;
  std::string rule;     // id of the rule that decides, kNoRule where none matches
  std::string profile;  // for run, stub and ask (once approved): a key of Policy::profiles
  std::string reason;   // the rule's own words; may be empty unless the action is deny
  bool silent = false;  // deny with EACCES instead of a line on stderr
  std::chrono::seconds timeout{0};  // for ask
  std::string stub;                 // for stub
  bool observed = false;            // runs only because the policy's mode is `observe`
};

/// The rule id of a verdict that no rule gave.
inline constexpr std::string_view kNoRule = "(no rule)";

}  // namespace policy
