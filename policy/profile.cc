#include "policy/profile.h"

#include <algorithm>
#include <string_view>

#include "os/text.h"

namespace policy {
namespace {

bool is_set(const EnvRules& rules, std::string_view variable) {
  return std::any_of(rules.set.begin(), rules.set.end(),
                     [variable](const auto& entry) { return entry.first == variable; });
}

}  // namespace

std::vector<std::string> filter_env(const EnvRules& rules, const std::vector<std::string>& env) {
  std::vector<std::string> out;
  out.reserve(env.size() + rules.set.size());
  for (const std::string& entry : env) {
    const std::string_view variable = env_name(entry);
    if (variable.empty() || variable.size() == entry.size()) continue;
    if (!any_matches(rules.allow, variable) || any_matches(rules.deny, variable)) continue;
    if (!is_set(rules, variable)) out.push_back(entry);
  }
  for (const auto& [variable, value] : rules.set) out.push_back(os::join(variable, "=", value));
  return out;
}

}  // namespace policy
