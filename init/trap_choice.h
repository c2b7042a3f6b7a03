// Which engine traps the CLI's execs on this machine, found out by trying each.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>

#include "os/filter.h"
#include "os/result.h"
#include "policy/protection.h"

namespace init {

/// A process under the CLI's filter executes something after a vfork and among signals, and becomes
/// a relay by the code that redirects commands. `relay`: agent-relay, O_RDONLY. The error says what
/// is missing. For a process without threads. `trace_as`: without CAP_SYS_PTRACE, agentcli, as whom
/// processes of the CLI are traced.
os::Status try_notify(int relay, std::optional<uid_t> trace_as);

/// The same with a tracer: it must be let on, have the exec and be able to answer it.
os::Status try_trace(std::optional<uid_t> trace_as);

struct TrapChoice {
  os::Trap trap = os::Trap::none;
  std::string why_none;  // of Trap::none: what was tried, or asked for
};

/// `wanted`: an engine that must work, or Trap::none; nothing: the first that works. The error
/// names an engine that was asked for and does not work.
os::Result<TrapChoice> choose_trap(std::optional<os::Trap> wanted,
                                   std::span<const policy::Protection> hidden, int relay,
                                   std::optional<uid_t> trace_as);

}  // namespace init
