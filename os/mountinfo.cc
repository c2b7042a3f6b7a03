#include "os/mountinfo.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "os/fd.h"
#include "os/text.h"

namespace os {
namespace {

constexpr std::size_t kLimit = 16U << 20;

bool is_octal(char c) { return c >= '0' && c <= '7'; }

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                        is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!escape) {
      out += text[i];
      continue;
    }
    out +=
        static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
    i += 3;
  }
  return out;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// id parent major:minor root target options [tag…] - type source super-options
std::optional<MountEntry> parse_line(std::string_view line) {
  constexpr std::size_t kFirstTag = 6;
  const std::vector<std::string> words = split(line, ' ');
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (dash - words.begin() < static_cast<std::ptrdiff_t>(kFirstTag) || words.end() - dash != 4) {
    return std::nullopt;
  }
  const std::optional<int> id = number(words[0]);
  const std::optional<int> parent = number(words[1]);
  if (!id || !parent) return std::nullopt;
  MountEntry entry;
  entry.id = *id;
  entry.parent = *parent;
  entry.device = words[2];
  entry.root = unescape(words[3]);
  entry.target = unescape(words[4]);
  entry.options = words[5];
  for (auto tag = words.begin() + kFirstTag; tag != dash; ++tag) {
    if (!entry.propagation.empty()) entry.propagation += ' ';
    entry.propagation += *tag;
  }
  entry.type = dash[1];
  entry.source = unescape(dash[2]);
  entry.super_options = dash[3];
  return entry;
}

}  // namespace

Result<std::vector<MountEntry>> parse_mountinfo(std::string_view text) {
  std::vector<MountEntry> entries;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty()) continue;
    std::optional<MountEntry> entry = parse_line(line);
    if (!entry) return Error{EINVAL, join("read mount line '", printable(line), "'")};
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<std::vector<MountEntry>> read_mountinfo() {
  return parse_mountinfo(TRY(read_file("/proc/self/mountinfo", kLimit)));
}

}  // namespace os
