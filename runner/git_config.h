// Reads a git config file as git does, to find the keys that make git run something.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runner {

struct GitEntry {
  std::string key;        // `core.pager`, `filter.LFS.clean`: section and name in lower case
  std::string value;      // unquoted; empty for a key without `=`
  std::string header;     // the section's own line, `[filter "LFS"]`
  std::string raw;        // the entry's own bytes, from its name to the end of its last line
  std::size_t begin = 0;  // where these are in the text
};

/// The entries in order. Nothing where git itself would refuse the file, or where it holds a NUL.
std::optional<std::vector<GitEntry>> parse_git_config(std::string_view text);

/// True when git, or a tool that comes with it, runs a program because of this entry, or reads more
/// configuration from elsewhere. Errs on the side of true.
bool runs_something(const GitEntry& entry);

/// `text` without the entries `removed` (of this text, in order) and with `added` at its end.
std::string edit_git_config(std::string_view text, std::span<const GitEntry> removed,
                            std::span<const GitEntry> added);

}  // namespace runner
