// The environment the vendor CLI starts with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/agent.h"

namespace init {

inline constexpr std::string_view kCliPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Nothing of the caller's environment but what describes its terminal, language and time zone:
/// whatever else is set there may be a credential. Then `given` (--env), then the agent's rules,
/// which take away what would make the CLI execute something and set what it needs.
std::vector<std::string> cli_environment(const policy::Agent& agent,
                                         const std::vector<std::string>& callers,
                                         const std::vector<std::string>& given);

/// The value of `name`, empty where it is not set.
std::string_view value_of(const std::vector<std::string>& env, std::string_view name);

}  // namespace init
