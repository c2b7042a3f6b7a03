#include "policy/policy.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "os/fd.h"
#include "os/text.h"
#include "policy/fields.h"
#include "policy/json.h"
#include "policy/node.h"
#include "policy/read_profile.h"
#include "policy/read_rules.h"
#include "policy/shipped.h"

namespace policy {
namespace {

/// One policy file of a chain in which each extends the next.
struct Layer {
  Json document;
  std::string source;
};

bool is_shipped(std::string_view name) { return name == "default" || name == "strict"; }

os::Result<Layer> shipped_layer(const std::string& name) {
  const std::string file = name + ".json";
  const std::string source = "policy/" + file;
  return Layer{TRY(parse_json(shipped_file(file).value_or(""), source)), source};
}

void read_require(const Node& node, Require& require) {
  for (const auto& [word, value] : node.members()) {
    const std::optional<Protection> protection = protection_named(word);
    const Level level = value.choice<Level>(
        {{"none", Level::none}, {"partial", Level::partial}, {"full", Level::full}}, Level::none);
    if (!protection) {
      value.problem("unknown protection");
    } else {
      require.least[static_cast<std::size_t>(*protection)] = level;
    }
  }
}

// The rules of this file come before those of the policy it extends.
void add_rules(const Node& node, ExecPolicy& exec) {
  std::vector<Rule> rules = read_rules(node);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto same_id = [&](const Rule& rule) { return rule.id == rules[i].id; };
    if (std::any_of(exec.rules.begin(), exec.rules.end(), same_id)) {
      node.items()[i]["id"].problem(
          os::join("'", rules[i].id, "' names a rule of the policy this one extends"));
    }
  }
  std::move(exec.rules.begin(), exec.rules.end(), std::back_inserter(rules));
  exec.rules = std::move(rules);
}

void check_profiles(const Node& document, const Policy& policy) {
  const auto check = [&policy](const Node& node) {
    if (node.is_text() && policy.profiles.count(node.text()) == 0) {
      node.problem(os::join("there is no profile '", node.text(), "'"));
    }
  };
  check(document["default_profile"]);
  check(document["task_run_profile"]);
  for (const Node& rule : document["rules"].items()) check(rule["profile"]);
}

// Puts one file on top of what it extends.
void read_layer(const Node& node, Policy& policy) {
  node.only({"$schema", "description", "extends", "mode", "git_config", "default_profile",
             "task_run_profile", "require", "profiles", "rules"});
  const std::string base = node["extends"].text();
  if (node["extends"].is_text() && !is_shipped(base)) {
    node["extends"].problem(os::join("'", base, "' is none of default, strict"));
  }
  if (!node["extends"].present()) {
    for (const char* key : {"default_profile", "profiles", "rules"}) (void)node.require(key);
  }
  (void)node["$schema"].text();
  (void)node["description"].text();

  ExecPolicy& exec = policy.exec;
  exec.observe = node["mode"].choice<bool>({{"enforce", false}, {"observe", true}}, exec.observe);
  exec.default_profile = node["default_profile"].text(exec.default_profile);
  const std::string& otherwise =
      exec.task_run_profile.empty() ? exec.default_profile : exec.task_run_profile;
  exec.task_run_profile = node["task_run_profile"].text(otherwise);
  policy.undo_git_config =
      node["git_config"].choice<bool>({{"report", false}, {"undo", true}}, policy.undo_git_config);
  read_require(node["require"], policy.require);
  for (const auto& [name, value] : node["profiles"].members()) {
    policy.profiles[name] = read_profile(name, value);
  }
  add_rules(node["rules"], exec);
  check_profiles(node, policy);
}

}  // namespace

os::Result<Policy> parse_policy(std::string_view text, const std::string& source) {
  std::vector<Layer> layers;
  layers.push_back({TRY(parse_json(text, source)), source});
  for (const Json* base = layers.back().document.find("extends");
       base != nullptr && is_shipped(base->text); base = layers.back().document.find("extends")) {
    layers.push_back(TRY(shipped_layer(base->text)));
  }
  Policy policy;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    Problems problems(layer->source);
    read_layer(Node(layer->document, problems), policy);
    if (problems.first()) return *problems.first();
  }
  return policy;
}

os::Result<Policy> load_policy(const std::string& name_or_path) {
  if (is_shipped(name_or_path)) {
    const std::string file = name_or_path + ".json";
    return parse_policy(shipped_file(file).value_or(""), "policy/" + file);
  }
  return parse_policy(TRY(os::read_file(name_or_path, kMaxJsonBytes)), name_or_path);
}

}  // namespace policy
