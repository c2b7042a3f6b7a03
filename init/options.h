// The words of `agent-init run`, read into one struct. The table here is also what --help prints.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/filter.h"
#include "os/result.h"
#include "policy/protection.h"

namespace init {

/// A secret that enters by a descriptor: all of it up to its end.
struct SecretFd {
  int fd = -1;
  std::string name;  // of the file below /run/agent-secrets/<agent>/
};

struct RunOptions {
  std::string engine = "local";  // who made the container, for the event log
  std::string agent = "custom";
  std::string workspace;
  std::string policy = "default";
  std::string name;                   // empty: one is made up
  std::string cwd;                    // below /workspace; empty: /workspace itself
  std::string events;                 // host file that gets a copy of each event
  std::string libexec;                // host directory with our other programs
  std::vector<std::string> cli_dirs;  // absolute host paths, visible read-only in the session
  std::vector<std::string> env;       // NAME=VALUE for the CLI
  std::vector<SecretFd> secrets;
  std::optional<os::Trap> trap;            // nothing: what works on this machine
  std::vector<policy::Protection> hidden;  // treated as missing on this machine
  std::string channel;  // "streams" or "terminal": what the CLI gets where stdin and stdout are a
                        // channel to agent-session; empty: they are the CLI's
  bool summary = false;
  bool verbose = false;
  std::vector<std::string> command;
};

/// EINVAL, with the option in the text, for anything that does not fit. What no word names stays as
/// it is in `options`.
os::Result<RunOptions> parse_run_options(std::span<char*> words, RunOptions options = {});

/// One component of a path, harmless in a message and in a socket's name.
bool is_plain_name(std::string_view name);

/// What `agent-init run --help` prints.
std::string run_help();

}  // namespace init
