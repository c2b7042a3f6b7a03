// JSON for policy files: nlohmann's parser with what it lets pass refused, and lines remembered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/result.h"

namespace policy {

inline constexpr std::size_t kMaxJsonBytes = std::size_t{256} * 1024;
inline constexpr std::size_t kMaxJsonDepth = 16;
inline constexpr std::size_t kMaxJsonKeys = 1000;  // in one object

/// One value of a document and the line it stands on.
struct Json {
  enum class Kind { null, boolean, integer, real, text, list, object };

  Kind kind = Kind::null;
  unsigned line = 1;
  bool boolean = false;
  std::int64_t integer = 0;
  std::string text;
  std::string key;          // under which it stands in an object
  std::vector<Json> items;  // of a list or an object, in the order of the file

  /// The member of that name, or nullptr.
  const Json* find(std::string_view key) const;
};

/// `a list`, `text`, …: for messages.
std::string_view name(Json::Kind kind);

/// Reads one document. Refused: equal keys in one object (nlohmann alone keeps the last), comments,
/// NUL characters, more than the bounds above. An error's code is EINVAL, its step
/// `SOURCE:LINE: rules[3].path: MESSAGE`.
os::Result<Json> parse_json(std::string_view text, const std::string& source);

/// `path.key`, or `key` at the top; `path[index]`.
std::string member_path(const std::string& path, std::string_view key);
std::string item_path(const std::string& path, std::size_t index);

/// The error for a problem with the value at `path`; the path is left out at the top.
os::Error json_error(const std::string& source, unsigned line, const std::string& path,
                     std::string_view message);

}  // namespace policy
