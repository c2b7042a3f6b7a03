// A profile: what a sandbox is like. Which one a command gets is the verdict's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/glob.h"

namespace policy {

/// Which variables of the caller reach the command.
struct EnvRules {
  std::vector<Glob> allow;                               // a name must match one of these
  std::vector<Glob> deny;                                // and none of these
  std::vector<std::pair<std::string, std::string>> set;  // then these are set
};

/// The environment of the command: of each "NAME=value" in `env`, in order, those that `rules` let
/// through, then the ones they set (in place of an inherited one). Entries without a name are
/// dropped. Values are not looked at: withholding issued secrets is the runner's duty.
std::vector<std::string> filter_env(const EnvRules& rules, const std::vector<std::string>& env);

/// Upper bounds for one command; what is absent is not limited by us.
struct Limits {
  std::optional<std::uint64_t> wall_seconds;
  std::optional<std::uint64_t> cpu_seconds;   // RLIMIT_CPU
  std::optional<std::uint64_t> memory_mb;     // RLIMIT_AS, in MiB
  std::optional<std::uint64_t> processes;     // RLIMIT_NPROC
  std::optional<std::uint64_t> open_files;    // RLIMIT_NOFILE
  std::optional<std::uint64_t> file_size_mb;  // RLIMIT_FSIZE, in MiB
};

struct Profile {
  enum class PidNs { session, command };  // one pid namespace for all commands, or one for each
  enum class OnExit { linger, kill };     // what becomes of background children
  enum class Suid { deny, allow };        // calls that would set a setuid or setgid bit
  enum class Userns { deny, allow };      // new user namespaces

  std::string name;
  PidNs pidns = PidNs::session;
  OnExit on_exit = OnExit::linger;
  Suid suid = Suid::deny;
  Userns userns = Userns::deny;
  EnvRules env;
  Limits limits;
  std::vector<std::string> write;  // paths Landlock lets it write below; empty: no Landlock
};

}  // namespace policy
