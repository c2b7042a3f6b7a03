// Reads the `rules` of a policy file.
#pragma once

#include <vector>

#include "policy/exec_policy.h"
#include "policy/node.h"

namespace policy {

/// The rules of a list, in order. Profiles are not looked up here.
std::vector<Rule> read_rules(const Node& node);

}  // namespace policy
