#include "init/enforcement.h"

#include <algorithm>
#include <array>

#include "os/text.h"

namespace init {
namespace {

using policy::Level;
using policy::Protection;

std::string_view remedy(Protection protection) {
  switch (protection) {
    case Protection::uid_split:
      return "start agent-init as root, with CAP_SETUID and CAP_SETGID";
    case Protection::exec_trap:
      return "use a kernel with seccomp user notification (5.9) and no outer filter that notifies, "
             "and grant CAP_SYS_PTRACE";
    case Protection::pid_namespace:
    case Protection::mount_namespace:
      return "grant CAP_SYS_ADMIN";
    case Protection::no_new_privs:
    case Protection::bpf:
      return "use a kernel with CONFIG_SECCOMP_FILTER";
    case Protection::landlock:
      return "boot with `landlock` in the lsm= list (Linux 5.13), and have exec-trap";
    case Protection::memfd_noexec:
      return "use Linux 6.3 or newer";
    case Protection::apparmor:
      return "this version has no AppArmor profiles: take apparmor out of the policy's `require`";
    case Protection::workspace_idmap:
      return "put the workspace on a filesystem with idmapped mounts (ext4, xfs, btrfs)";
  }
  return "";
}

Level level_of(bool there) { return there ? Level::full : Level::none; }

Level level_of_ways(std::span<const MountWay> ways) {
  const auto idmapped = static_cast<std::size_t>(std::count_if(
      ways.begin(), ways.end(), [](const MountWay& mount) { return mount.way == Way::idmap; }));
  if (idmapped == ways.size()) return Level::full;
  return idmapped == 0 ? Level::none : Level::partial;
}

}  // namespace

bool offered(Protection protection, std::span<const Protection> hidden) {
  return std::find(hidden.begin(), hidden.end(), protection) == hidden.end();
}

policy::Levels found_levels(const CliProtections& cli, std::span<const MountWay> ways,
                            std::span<const Protection> hidden) {
  policy::Levels levels{};
  const auto set = [&](Protection protection, Level level) {
    if (!offered(protection, hidden)) level = Level::none;
    levels[static_cast<std::size_t>(protection)] = level;
  };
  // Without these four no session gets as far as asking.
  set(Protection::uid_split, Level::full);
  set(Protection::pid_namespace, Level::full);
  set(Protection::mount_namespace, Level::full);
  set(Protection::no_new_privs, Level::full);
  set(Protection::exec_trap, level_of(cli.trap != os::Trap::none));
  set(Protection::bpf, level_of(cli.bpf));
  set(Protection::landlock, level_of(cli.landlock));
  set(Protection::memfd_noexec, level_of(cli.memfd_noexec));
  set(Protection::apparmor, Level::none);  // no profile is loaded or entered yet
  set(Protection::workspace_idmap, level_of_ways(ways));
  return levels;
}

std::optional<std::string> refusal(const policy::Require& require, const policy::Levels& found) {
  std::string text;
  for (const policy::Shortfall& missing : policy::shortfalls(require, found)) {
    text += os::join(text.empty() ? "the policy requires " : "; ", policy::name(missing.protection),
                     ' ', policy::name(missing.required), " but it is ",
                     policy::name(missing.found), ": ", remedy(missing.protection));
  }
  if (text.empty()) return std::nullopt;
  return text;
}

std::string_view name(os::Trap trap) {
  constexpr std::array<std::string_view, 3> kNames{"none", "notify", "trace"};
  return kNames[static_cast<std::size_t>(trap)];
}

std::vector<std::pair<std::string, std::string>> words(const policy::Levels& levels,
                                                       os::Trap trap) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    pairs.emplace_back(policy::name(static_cast<Protection>(i)), policy::name(levels[i]));
  }
  pairs.emplace_back("exec-trap-engine", name(trap));
  return pairs;
}

}  // namespace init
