// The vendor CLI's own process: from a fork of cli-init, root, to the program under every guard.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "os/filter.h"
#include "os/process.h"
#include "os/signals.h"
#include "os/terminal.h"
#include "policy/agent.h"
#include "policy/protection.h"

namespace init {

/// Everything is borrowed from PID 1's memory, of which this process is a copy.
struct CliStart {
  const policy::Agent* agent = nullptr;
  const std::vector<policy::Protection>* hidden = nullptr;
  std::vector<std::string> command;
  std::vector<std::string> env;
  std::string directory;    // where it starts
  os::SignalState signals;  // as agent-init inherited them
  os::ClosedStdio closed_stdio = 0;
  std::optional<os::WindowSize> terminal;   // it gets one of its own
  std::array<int, 3> stdio = {-1, -1, -1};  // it gets these; none: it inherits
  int relay = -1;                           // may be executed, being what a redirected exec loads
  int socket = -1;                          // cli_message.h
  os::Trap trap = os::Trap::notify;         // what the probe found
  bool traced_as_itself = false;            // by its own user: CAP_SYS_PTRACE is missing
  bool memfd_noexec = false;                // what build_cli_tree() achieved
};

/// Confines this process, reports `ready`, waits for the go and becomes the CLI.
/// Returns only on failure, after reporting it: the exit code.
int run_cli(const CliStart& start);

}  // namespace init
