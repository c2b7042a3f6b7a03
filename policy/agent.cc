#include "policy/agent.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "os/fd.h"
#include "os/text.h"
#include "policy/fields.h"
#include "policy/json.h"
#include "policy/node.h"
#include "policy/profile.h"
#include "policy/shipped.h"

namespace policy {
namespace {

constexpr std::string_view kRootMark = "{root}";

std::string with_root(std::string text, std::string_view root) {
  const std::size_t at = text.find(kRootMark);
  if (at != std::string::npos) text.replace(at, kRootMark.size(), root);
  return text;
}

std::vector<Glob> read_arguments(const Node& node, const std::string& root) {
  std::vector<Glob> arguments;
  for (const Glob& glob : read_globs(node, Glob::Kind::text)) {
    arguments.emplace_back(with_root(glob.pattern(), Glob::literally(root)), Glob::Kind::text);
  }
  return arguments;
}

SelfRule read_self_rule(const Node& node, const Agent& agent) {
  SelfRule rule;
  node.only({"programs", "proc_self_exe", "options", "arguments", "more_arguments", "env_absent",
             "reason"});
  rule.programs = read_relative_paths(node.require("programs"));
  for (const std::string& program : rule.programs) {
    const auto& known = agent.programs;
    if (std::find(known.begin(), known.end(), program) == known.end()) {
      node["programs"].problem(os::join("'", program, "' is not among the agent's programs"));
    }
  }
  rule.proc_self_exe = node["proc_self_exe"].flag(false);
  rule.options = read_arguments(node["options"], agent.root);
  rule.arguments = read_arguments(node["arguments"], agent.root);
  rule.more_arguments = node["more_arguments"].flag(false);
  rule.env_absent = read_globs(node.require("env_absent"), Glob::Kind::text);
  rule.reason = read_reason(node.require("reason"));
  return rule;
}

Handover read_handover(const Node& node) {
  node.only({"path", "access", "reason"});
  const auto access = node["access"].choice<Access>(
      {{"write", Access::write}, {"read", Access::read}, {"none", Access::none}}, Access::write);
  return {read_relative_path(node.require("path")), access, read_reason(node.require("reason"))};
}

SecretFile read_secret_file(const Node& node) {
  node.only({"secret", "path", "reason"});
  return {read_relative_path(node.require("secret")), read_relative_path(node.require("path")),
          read_reason(node.require("reason"))};
}

Agent read_agent(const Node& node, const std::string& root) {
  Agent agent;
  node.only({"$schema", "description", "name", "programs", "tool_dirs", "home_dir", "handover",
             "secret_files", "self", "env"});
  (void)node["$schema"].text();
  (void)node["description"].text();
  agent.name = read_id(node.require("name"));
  agent.root = root.empty() ? "/opt/coding-agents/" + agent.name : root;
  agent.programs = read_relative_paths(node["programs"]);
  agent.tool_dirs = read_relative_paths(node["tool_dirs"]);
  agent.home_dir = read_relative_path(node.require("home_dir"));
  for (const Node& item : node["handover"].items()) agent.handover.push_back(read_handover(item));
  for (const Node& item : node["secret_files"].items()) {
    agent.secret_files.push_back(read_secret_file(item));
  }
  for (const Node& item : node["self"].items()) agent.self.push_back(read_self_rule(item, agent));

  const Node env = node.require("env");
  env.only({"scrub", "keep", "set"});
  agent.env_scrub = read_globs(env.require("scrub"), Glob::Kind::text);
  agent.env_keep = read_globs(env["keep"], Glob::Kind::text);
  agent.env_set = read_variables(env["set"]);
  for (auto& [name, value] : agent.env_set) value = with_root(value, agent.root);
  return agent;
}

bool names_program(const SelfRule& rule, const Agent& agent, std::string_view path) {
  if (rule.proc_self_exe && path == "/proc/self/exe") return true;
  if (!path.starts_with(agent.root)) return false;
  path.remove_prefix(agent.root.size());
  if (!path.starts_with('/')) return false;
  path.remove_prefix(1);
  return std::find(rule.programs.begin(), rule.programs.end(), path) != rule.programs.end();
}

bool arguments_fit(const SelfRule& rule, const std::vector<std::string>& argv) {
  if (argv.empty()) return false;
  auto at = argv.begin() + 1;
  while (at != argv.end() && any_matches(rule.options, *at)) ++at;
  for (const Glob& argument : rule.arguments) {
    if (at == argv.end() || !argument.matches(*at++)) return false;
  }
  return rule.more_arguments || at == argv.end();
}

bool environment_fits(const SelfRule& rule, const std::vector<std::string>& env) {
  return std::none_of(env.begin(), env.end(), [&rule](const std::string& entry) {
    return any_matches(rule.env_absent, env_name(entry));
  });
}

}  // namespace

bool self_allowed(const Agent& agent, std::string_view path, const std::vector<std::string>& argv,
                  const std::vector<std::string>& env) {
  return std::any_of(agent.self.begin(), agent.self.end(), [&](const SelfRule& rule) {
    return names_program(rule, agent, path) && arguments_fit(rule, argv) &&
           environment_fits(rule, env);
  });
}

std::vector<std::string> cli_env(const Agent& agent, const std::vector<std::string>& env) {
  std::vector<std::string> kept;
  std::copy_if(env.begin(), env.end(), std::back_inserter(kept), [&agent](const auto& entry) {
    const std::string_view name = env_name(entry);
    return !any_matches(agent.env_scrub, name) || any_matches(agent.env_keep, name);
  });
  const EnvRules set_only{{Glob("*", Glob::Kind::text)}, {}, agent.env_set};
  return filter_env(set_only, kept);
}

os::Result<Agent> parse_agent(std::string_view text, const std::string& source,
                              const std::string& root) {
  const Json document = TRY(parse_json(text, source));
  Problems problems(source);
  Agent agent = read_agent(Node(document, problems), root);
  if (problems.first()) return *problems.first();
  return agent;
}

os::Result<Agent> load_agent(const std::string& name_or_path, const std::string& root) {
  if (name_or_path.find('/') != std::string::npos) {
    return parse_agent(TRY(os::read_file(name_or_path, kMaxJsonBytes)), name_or_path, root);
  }
  const std::string file = "agents/" + name_or_path + ".json";
  const auto text = shipped_file(file);
  if (!text) {
    return os::Error{EINVAL, os::join("'", os::printable(name_or_path),
                                      "' is none of the agents "
                                      "claude, codex, copilot, custom, gemini, and no path")};
  }
  return parse_agent(*text, "policy/" + file, root);
}

}  // namespace policy
