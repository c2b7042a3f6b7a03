// The protections a session can have, how far each is enforced, and what a policy requires.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace policy {

enum class Protection {
  uid_split,
  exec_trap,
  pid_namespace,
  mount_namespace,
  no_new_privs,
  bpf,
  landlock,
  memfd_noexec,
  apparmor,
  workspace_idmap,
};
inline constexpr std::size_t kProtections = 10;

enum class Level { none, partial, full };

/// `uid-split`, `exec-trap`, …: the words of the policy file, of events and of `supervisorctl`.
std::string_view name(Protection protection);
std::optional<Protection> protection_named(std::string_view word);

/// `none`, `partial`, `full`.
std::string_view name(Level level);

/// One level per protection, indexed by static_cast<std::size_t>(protection).
using Levels = std::array<Level, kProtections>;

/// What must be enforced at least; what the policy does not name is Level::none.
struct Require {
  Levels least{};
  Level at_least(Protection protection) const {
    return least[static_cast<std::size_t>(protection)];
  }
};

struct Shortfall {
  Protection protection;
  Level required;
  Level found;
};

/// The protections that `found` gives less of than `require` asks for, in the enum's order.
std::vector<Shortfall> shortfalls(const Require& require, const Levels& found);

}  // namespace policy
