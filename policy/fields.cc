#include "policy/fields.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "os/text.h"
#include "policy/matching.h"

namespace policy {
namespace {

constexpr std::size_t kMaxPattern = 1024;
constexpr std::size_t kMaxReason = 200;
constexpr std::size_t kMaxId = 64;
constexpr std::string_view kIdCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-";

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

template <class Read>
auto read_list(const Node& node, Read read) {
  std::vector<decltype(read(node))> values;
  for (const Node& item : node.items()) values.push_back(read(item));
  if (node.is_empty_list()) node.problem("the list is empty; leave the key out instead");
  return values;
}

}  // namespace

void check_id(const Node& node, const std::string& id) {
  const bool good = !id.empty() && id.size() <= kMaxId && id.front() != '-' &&
                    id.find_first_not_of(kIdCharacters) == std::string::npos;
  if (!good) {
    node.problem(
        os::join("'", id, "' is not 1 to ", kMaxId, " of a-z, 0-9 and -, a dash not first"));
  }
}

std::string read_id(const Node& node) {
  std::string id = node.text();
  if (node.is_text()) check_id(node, id);
  return id;
}

std::string read_reason(const Node& node) {
  std::string reason = node.text();
  if (!node.is_text()) return reason;
  if (reason.empty()) node.problem("the text is empty");
  if (reason.size() > kMaxReason) node.problem(os::join("longer than ", kMaxReason, " bytes"));
  if (has_control_character(reason)) node.problem("a control character; it must be one line");
  return reason;
}

std::string read_absolute_path(const Node& node) {
  std::string path = node.text();
  if (node.is_text() && (path.empty() || path.front() != '/' || clean_path(path) != path)) {
    node.problem(os::join("'", path, "' is not an absolute path in its shortest form"));
  }
  return path;
}

std::string read_relative_path(const Node& node) {
  std::string path = node.text();
  if (node.is_text() && (path.empty() || clean_path("/" + path) != "/" + path)) {
    node.problem(os::join("'", path, "' is not a relative path in its shortest form"));
  }
  return path;
}

std::vector<std::string> read_absolute_paths(const Node& node) {
  return read_list(node, read_absolute_path);
}

std::vector<std::string> read_relative_paths(const Node& node) {
  return read_list(node, read_relative_path);
}

Glob read_glob(const Node& node, Glob::Kind kind) {
  const std::string pattern = node.text();
  if (!node.is_text()) return Glob(pattern, kind);
  if (pattern.size() > kMaxPattern) node.problem(os::join("longer than ", kMaxPattern, " bytes"));
  const std::size_t last_other = pattern.find_last_not_of('\\');
  if ((pattern.size() - (last_other + 1)) % 2 == 1) node.problem("ends in a single backslash");
  if (kind == Glob::Kind::path && !pattern.starts_with('/') && !pattern.starts_with("**")) {
    node.problem(os::join("'", pattern, "' matches no path: begin with / or **"));
  }
  return Glob(pattern, kind);
}

std::vector<Glob> read_globs(const Node& node, Glob::Kind kind) {
  return read_list(node, [kind](const Node& item) { return read_glob(item, kind); });
}

Variables read_variables(const Node& node) {
  Variables variables;
  for (const auto& [name, value] : node.members()) {
    if (name.empty() || name.find('=') != std::string::npos) {
      value.problem("a variable's name is not empty and has no = in it");
    }
    variables.emplace_back(name, value.text());
  }
  return variables;
}

}  // namespace policy
