#include "init/explain_text.h"

#include <string_view>
#include <vector>

#include "audit/json_text.h"
#include "os/text.h"

namespace init {
namespace {

using policy::Action;
using policy::Profile;
using policy::Verdict;

std::string headline(const Verdict& verdict) {
  if (verdict.observed) {
    return os::join("runs, only observed: rule '", verdict.rule, "' would stop it");
  }
  const std::string by = os::join(" by rule '", verdict.rule, "'");
  switch (verdict.action) {
    case Action::run:
      return "run" + by;
    case Action::self:
      return "self" + by + ": as agentcli, no sandbox";
    case Action::stub:
      return os::join("stub '", verdict.stub, "'", by);
    case Action::ask:
      return os::join("ask", by, ": no answer in ", verdict.timeout.count(), " s denies");
    case Action::deny:
      return "deny" + by + (verdict.silent ? ": EACCES without a word" : "");
  }
  return "";
}

/// The profile of the verdict; nullptr where there is no sandbox.
const Profile* profile_of(const ExplainedCommand& command) {
  const auto found = command.policy.profiles.find(command.explanation.verdict.profile);
  return found == command.policy.profiles.end() ? nullptr : &found->second;
}

/// The names of the variables that the profile keeps from the command.
std::vector<std::string_view> withheld(const ExplainedCommand& command) {
  std::vector<std::string_view> names;
  const Profile* profile = profile_of(command);
  if (profile == nullptr) return names;
  const policy::EnvRules without_set{profile->env.allow, profile->env.deny, {}};
  for (const std::string& entry : command.request.env) {
    if (policy::filter_env(without_set, {entry}).empty()) names.push_back(policy::env_name(entry));
  }
  return names;
}

std::string profile_lines(const ExplainedCommand& command) {
  const Profile* found = profile_of(command);
  if (found == nullptr) return "";
  const Profile& profile = *found;
  std::string out = os::join(
      "profile  ", profile.name, ": a pid namespace per ",
      profile.pidns == Profile::PidNs::session ? "session" : "command", ", background children ",
      profile.on_exit == Profile::OnExit::linger ? "live on" : "are killed", "\n");
  for (const std::string_view name : withheld(command)) {
    out += os::join("  withheld the variable ", os::printable(name), "\n");
  }
  return out;
}

void member(std::string& out, std::string_view key, std::string_view value) {
  out += out.back() == '{' ? "\"" : ",\"";
  out.append(key).append("\":");
  audit::append_json_string(out, value);
}

void raw_member(std::string& out, std::string_view key, std::string_view value) {
  out += out.back() == '{' ? "\"" : ",\"";
  out.append(key).append("\":").append(value);
}

template <class Texts>
std::string list(const Texts& texts) {
  std::string out = "[";
  for (const auto& text : texts) {
    if (out.size() > 1) out += ',';
    audit::append_json_string(out, text);
  }
  return out + "]";
}

std::string_view word(bool value) { return value ? "true" : "false"; }

}  // namespace

std::string explain_text(const ExplainedCommand& command) {
  const Verdict& verdict = command.explanation.verdict;
  std::string out;
  out += os::join("program  ", os::printable(command.request.path), "\n");
  out += os::join("policy   ", command.policy_name, "\n");
  out += os::join("verdict  ", headline(verdict), "\n");
  if (!verdict.reason.empty()) out += os::join("reason   ", verdict.reason, "\n");
  out += profile_lines(command);
  for (const policy::Finding& finding : command.explanation.findings) {
    out += os::join(finding.matches ? "  decides  " : "  not      ", finding.rule, ": ",
                    finding.why, "\n");
  }
  return out;
}

std::string explain_json(const ExplainedCommand& command) {
  const Verdict& verdict = command.explanation.verdict;
  std::string out = "{";
  member(out, "policy", command.policy_name);
  member(out, "path", command.request.path);
  raw_member(out, "argv", list(command.request.argv));
  member(out, "cwd", command.request.cwd);
  member(out, "verdict", policy::name(verdict.action));
  member(out, "rule", verdict.rule);
  member(out, "profile", verdict.profile);
  member(out, "reason", verdict.reason);
  raw_member(out, "observed", word(verdict.observed));
  raw_member(out, "silent", word(verdict.silent));
  raw_member(out, "timeout", std::to_string(verdict.timeout.count()));
  member(out, "stub", verdict.stub);
  raw_member(out, "withheld", list(withheld(command)));
  std::string rules = "[";
  for (const policy::Finding& finding : command.explanation.findings) {
    if (rules.size() > 1) rules += ',';
    rules += "{";
    member(rules, "rule", finding.rule);
    raw_member(rules, "matches", word(finding.matches));
    member(rules, "why", finding.why);
    rules += "}";
  }
  raw_member(out, "rules", rules + "]");
  return out + "}\n";
}

}  // namespace init
