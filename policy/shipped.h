// The policy and agent files that are part of the program.
#pragma once

#include <optional>
#include <string_view>

namespace policy {

/// The text of policy/<name>, `default.json` or `agents/claude.json`; std::nullopt for another
/// name.
std::optional<std::string_view> shipped_file(std::string_view name);

}  // namespace policy
