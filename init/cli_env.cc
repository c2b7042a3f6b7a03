#include "init/cli_env.h"

#include <algorithm>
#include <array>

#include "init/trees.h"
#include "os/text.h"

namespace init {
namespace {

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

bool describes_surroundings(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames{"TERM", "COLORTERM", "NO_COLOR", "LANG", "TZ"};
  return name.starts_with("LC_") || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

void set(std::vector<std::string>& env, std::string entry) {
  const std::string_view name = name_of(entry);
  const auto same = [&](const std::string& other) { return name_of(other) == name; };
  const auto found = std::find_if(env.begin(), env.end(), same);
  if (found == env.end()) {
    env.push_back(std::move(entry));
  } else {
    *found = std::move(entry);
  }
}

}  // namespace

std::vector<std::string> cli_environment(const policy::Agent& agent,
                                         const std::vector<std::string>& callers,
                                         const std::vector<std::string>& given) {
  std::vector<std::string> env;
  for (const std::string& entry : callers) {
    if (describes_surroundings(name_of(entry))) env.push_back(entry);
  }
  set(env, os::join("PATH=", kCliPath));
  set(env, os::join("HOME=", kHome));
  set(env, "USER=agentuser");
  set(env, "LOGNAME=agentuser");
  set(env, "SHELL=/bin/bash");
  set(env, os::join("AGENT_TASK_RUNNER_SOCKET=", kTaskSocket));
  for (const std::string& entry : given) set(env, entry);
  return policy::cli_env(agent, env);
}

std::string_view value_of(const std::vector<std::string>& env, std::string_view name) {
  for (const std::string& entry : env) {
    if (name_of(entry) == name && entry.size() > name.size()) {
      return std::string_view(entry).substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace init
