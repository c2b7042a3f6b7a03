// What of each protection is enforced in this session, and whether that is enough.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "audit/event.h"
#include "init/trees.h"
#include "os/filter.h"
#include "policy/protection.h"

namespace init {

/// What the launch of the CLI found out by doing it. Travels as one message: plain data.
struct CliProtections {
  os::Trap trap = os::Trap::none;
  bool bpf = false;
  bool landlock = false;
  bool memfd_noexec = false;
};

/// True unless `--hide` says that this machine shall not have it.
bool offered(policy::Protection protection, std::span<const policy::Protection> hidden);

/// The table of a session whose namespaces, users and mounts stand.
policy::Levels found_levels(const CliProtections& cli, std::span<const MountWay> ways,
                            std::span<const policy::Protection> hidden);

/// One line that names what is missing and how to grant it; nothing when all is there.
std::optional<std::string> refusal(const policy::Require& require, const policy::Levels& found);

/// `{"landlock", "full"}`, … in the order of the enum, and the engine that traps execs.
std::vector<std::pair<std::string, std::string>> words(const policy::Levels& levels, os::Trap trap);

/// `none`, `notify`, `trace`.
std::string_view name(os::Trap trap);

}  // namespace init
