#include "init/explain_text.h"

#include <string_view>

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

std::string profile_line(const ExplainedCommand& command) {
  const auto found = command.policy.profiles.find(command.explanation.verdict.profile);
  if (found == command.policy.profiles.end()) return "";
  const Profile& profile = found->second;
  return os::join("profile  ", profile.name, ": a pid namespace per ",
                  profile.pidns == Profile::PidNs::session ? "session" : "command",
                  ", background children ",
                  profile.on_exit == Profile::OnExit::linger ? "live on" : "are killed", "\n");
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

std::string_view word(bool value) { return value ? "true" : "false"; }

}  // namespace

std::string explain_text(const ExplainedCommand& command) {
  const Verdict& verdict = command.explanation.verdict;
  std::string out;
  out += os::join("program  ", os::printable(command.request.path), "\n");
  out += os::join("policy   ", command.policy_name, "\n");
  out += os::join("verdict  ", headline(verdict), "\n");
  if (!verdict.reason.empty()) out += os::join("reason   ", verdict.reason, "\n");
  out += profile_line(command);
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
  std::string argv = "[";
  for (const std::string& argument : command.request.argv) {
    if (argv.size() > 1) argv += ',';
    audit::append_json_string(argv, argument);
  }
  raw_member(out, "argv", argv + "]");
  member(out, "cwd", command.request.cwd);
  member(out, "verdict", policy::name(verdict.action));
  member(out, "rule", verdict.rule);
  member(out, "profile", verdict.profile);
  member(out, "reason", verdict.reason);
  raw_member(out, "observed", word(verdict.observed));
  raw_member(out, "silent", word(verdict.silent));
  raw_member(out, "timeout", std::to_string(verdict.timeout.count()));
  member(out, "stub", verdict.stub);
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
