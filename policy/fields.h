// Readers for the kinds of values that policy and agent files share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "policy/glob.h"
#include "policy/node.h"

namespace policy {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// Lower-case letters, digits and dashes, at most 64 characters: ids of rules, names of profiles.
/// check_id() is for one that is a key, not a value.
void check_id(const Node& node, const std::string& id);
std::string read_id(const Node& node);

/// One printable line of at most 200 bytes: what a denied command prints.
std::string read_reason(const Node& node);

/// An absolute path without `//`, `.`, `..` or a slash at its end.
std::string read_absolute_path(const Node& node);

/// A path that stays below the directory it is relative to.
std::string read_relative_path(const Node& node);

/// A list of at least one text each, where it is present. A path pattern starts with `/` or `**`.
std::vector<std::string> read_absolute_paths(const Node& node);
std::vector<std::string> read_relative_paths(const Node& node);
std::vector<Glob> read_globs(const Node& node, Glob::Kind kind);
Glob read_glob(const Node& node, Glob::Kind kind);

/// An object of variable names and values.
Variables read_variables(const Node& node);

}  // namespace policy
