#include "policy/protection.h"

namespace policy {
namespace {

constexpr std::array<std::string_view, kProtections> kNames = {
    "uid-split", "exec-trap", "pid-namespace", "mount-namespace", "no-new-privs",
    "bpf",       "landlock",  "memfd-noexec",  "apparmor",        "workspace-idmap"};
static_assert(static_cast<std::size_t>(Protection::workspace_idmap) + 1 == kProtections);

}  // namespace

std::string_view name(Protection protection) {
  return kNames[static_cast<std::size_t>(protection)];
}

std::optional<Protection> protection_named(std::string_view word) {
  for (std::size_t i = 0; i < kProtections; ++i) {
    if (kNames[i] == word) return static_cast<Protection>(i);
  }
  return std::nullopt;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::none:
      return "none";
    case Level::partial:
      return "partial";
    case Level::full:
      return "full";
  }
  return "none";
}

std::vector<Shortfall> shortfalls(const Require& require, const Levels& found) {
  std::vector<Shortfall> missing;
  for (std::size_t i = 0; i < kProtections; ++i) {
    if (found[i] < require.least[i]) {
      missing.push_back({static_cast<Protection>(i), require.least[i], found[i]});
    }
  }
  return missing;
}

}  // namespace policy
