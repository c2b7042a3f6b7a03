// Text helpers; g++ 12 has no <format>.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace os {

namespace detail {
template <class T>
void append(std::string& out, const T& part) {
  if constexpr (std::is_same_v<T, char>) {
    out += part;
  } else if constexpr (std::is_integral_v<T>) {
    out += std::to_string(part);
  } else {
    out += std::string_view(part);
  }
}
}  // namespace detail

/// Joins strings, characters and integers into one string.
template <class... Parts>
std::string join(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

/// The name of an errno value, `EPERM`; a number where it has none.
std::string errno_name(int code);

/// A byte string as one line of printable ASCII: control bytes and non-ASCII become \xNN,
/// a text longer than `limit` bytes ends in `...`. For messages a person reads.
std::string printable(std::string_view bytes, std::size_t limit = 200);

/// Splits at every `separator`; an empty text gives no parts.
std::vector<std::string> split(std::string_view text, char separator);

}  // namespace os
