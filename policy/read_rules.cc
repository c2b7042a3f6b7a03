#include "policy/read_rules.h"

#include <chrono>
#include <cstdint>
#include <string>

#include "os/text.h"
#include "policy/fields.h"

namespace policy {
namespace {

constexpr std::uint64_t kMaxArguments = 1'000'000;
constexpr std::uint64_t kMaxTimeout = 3600;
constexpr std::uint64_t kDefaultTimeout = 60;

ArgumentTest read_argument_test(const Node& node) {
  using Where = ArgumentTest::Where;
  node.only({"at", "is", "any", "none"});
  const int forms = (node["at"].present() ? 1 : 0) + (node["any"].present() ? 1 : 0) +
                    (node["none"].present() ? 1 : 0);
  if (forms != 1) node.problem("one of at, any and none, and no other of them");
  if (node["at"].present()) {
    return {Where::at, node["at"].integer(0, kMaxArguments, 0),
            read_glob(node.require("is"), Glob::Kind::text)};
  }
  if (node["is"].present()) node["is"].problem("goes with at only");
  if (node["none"].present()) return {Where::none, 0, read_glob(node["none"], Glob::Kind::text)};
  return {Where::any, 0, read_glob(node["any"], Glob::Kind::text)};
}

Match read_match(const Node& node) {
  Match match;
  node.only({"path", "argv", "argc", "env", "cwd"});
  match.path = read_globs(node["path"], Glob::Kind::path);
  for (const Node& test : node["argv"].items()) match.argv.push_back(read_argument_test(test));
  if (node["argv"].is_empty_list())
    node["argv"].problem("the list is empty; leave the key out instead");

  const Node argc = node["argc"];
  argc.only({"min", "max"});
  match.argc_min = argc["min"].integer(0, kMaxArguments, match.argc_min);
  match.argc_max = argc["max"].integer(0, kMaxArguments, match.argc_max);
  if (match.argc_min > match.argc_max) argc.problem("min is greater than max");

  const Node env = node["env"];
  env.only({"present", "absent"});
  match.env_present = read_globs(env["present"], Glob::Kind::text);
  match.env_absent = read_globs(env["absent"], Glob::Kind::text);
  match.cwd = read_absolute_paths(node["cwd"]);
  return match;
}

// Keys that mean something with some verdicts only: elsewhere they would be a silent mistake.
void check_keys(const Node& node, Action action) {
  const bool in_sandbox = action == Action::run || action == Action::stub || action == Action::ask;
  const auto only_with = [&node](std::string_view key, bool allowed, std::string_view verdicts) {
    if (node[key].present() && !allowed)
      node[key].problem(os::join("goes with ", verdicts, " only"));
  };
  only_with("profile", in_sandbox, "run, stub and ask");
  only_with("stub", action == Action::stub, "stub");
  only_with("timeout", action == Action::ask, "ask");
  only_with("silent", action == Action::deny, "deny");
  if (action == Action::stub) (void)node.require("stub");
  if (action == Action::deny) (void)node.require("reason");
}

Rule read_rule(const Node& node) {
  node.only({"id", "verdict", "match", "profile", "reason", "stub", "timeout", "silent"});
  Rule rule;
  rule.id = read_id(node.require("id"));
  rule.action = node.require("verdict").choice<Action>({{"run", Action::run},
                                                        {"self", Action::self},
                                                        {"stub", Action::stub},
                                                        {"ask", Action::ask},
                                                        {"deny", Action::deny}},
                                                       Action::deny);
  rule.match = read_match(node["match"]);
  check_keys(node, rule.action);
  if (node["profile"].present()) rule.profile = read_id(node["profile"]);
  if (node["reason"].present()) rule.reason = read_reason(node["reason"]);
  if (node["stub"].present()) rule.stub = read_id(node["stub"]);
  rule.silent = node["silent"].flag(false);
  if (rule.action == Action::ask) {
    rule.timeout = std::chrono::seconds(node["timeout"].integer(1, kMaxTimeout, kDefaultTimeout));
  }
  return rule;
}

bool matches_everything(const Rule& rule) {
  const Match& match = rule.match;
  return rule.action != Action::self && match.path.empty() && match.argv.empty() &&
         match.argc_min == 0 && match.argc_max == Match{}.argc_max && match.env_present.empty() &&
         match.env_absent.empty() && match.cwd.empty();
}

}  // namespace

std::vector<Rule> read_rules(const Node& node) {
  std::vector<Rule> rules;
  for (const Node& item : node.items()) {
    if (!rules.empty() && matches_everything(rules.back())) {
      item.problem(os::join("is never reached: rule '", rules.back().id, "' matches everything"));
      return rules;
    }
    Rule rule = read_rule(item);
    for (const Rule& earlier : rules) {
      if (earlier.id == rule.id) item["id"].problem(os::join("'", rule.id, "' names a rule above"));
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace policy
