// Reads one profile of a policy file.
#pragma once

#include <string>

#include "policy/node.h"
#include "policy/profile.h"

namespace policy {

/// The profile that `node` holds under the key `name`.
Profile read_profile(const std::string& name, const Node& node);

}  // namespace policy
