#include "os/text.h"

#include <array>
#include <cstring>

#include "os/result.h"

namespace os {

std::string errno_name(int code) {
  const char* name = ::strerrorname_np(code);
  return name != nullptr ? name : std::to_string(code);
}

std::string Error::text() const {
  const char* words = ::strerrordesc_np(code);
  return join(step, ": ", errno_name(code), " (", words != nullptr ? words : "unknown error", ")");
}

std::string printable(std::string_view bytes, std::size_t limit) {
  static constexpr std::array<char, 17> kHex{"0123456789abcdef"};
  std::string out;
  for (const char c : bytes.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  if (bytes.size() > limit) out += "...";
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (text.empty()) parts.emplace_back();
  }
  return parts;
}

}  // namespace os
