// What we know of one vendor CLI: its programs, when it may execute itself, what it shares.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/result.h"
#include "policy/glob.h"

namespace policy {

/// One way in which the CLI may execute one of its own programs as agentcli. argv[0] is free.
struct SelfRule {
  std::vector<std::string> programs;  // of Agent::programs
  bool proc_self_exe = false;         // the path may be spelled /proc/self/exe
  std::vector<Glob> options;          // any number of arguments matching these may come first
  std::vector<Glob> arguments;        // then one argument for each of these
  bool more_arguments = false;        // then any others, or none at all
  std::vector<Glob> env_absent;       // no variable's name may match these
  std::string reason;
};

/// What commands may do in a directory of the CLI's. Where they cannot write, the CLI may follow
/// the links that it finds there. With `none` they see an empty directory, for a sandbox to be put
/// on.
enum class Access { write, read, none };

/// A directory below the CLI's own one that is there for commands, too.
struct Handover {
  std::string path;  // relative to Agent::home_dir
  Access access = Access::write;
  std::string reason;
};

/// A secret that the CLI looks for in its own directory, where `run-agent --secret-fd` names it.
struct SecretFile {
  std::string secret;  // the name of the secret
  std::string path;    // relative to Agent::home_dir
  std::string reason;
};

struct Agent {
  std::string name;
  std::string root;                    // where the programs are: /opt/coding-agents/<name>
  std::vector<std::string> programs;   // the CLI's own executables, relative to `root`
  std::vector<std::string> tool_dirs;  // relative to `root`; commands see them, read-only
  std::string home_dir;                // the CLI's own directory, relative to HOME: `.claude`
  std::vector<Handover> handover;
  std::vector<SecretFile> secret_files;
  std::vector<SelfRule> self;
  std::vector<Glob> env_scrub;  // names taken from the CLI's environment before it starts,
  std::vector<Glob> env_keep;   // except these
  std::vector<std::pair<std::string, std::string>> env_set;  // then set
};

/// Reads an agent: `claude`, `codex`, `copilot`, `custom` and `gemini` are the shipped ones (part
/// of the program), a text with a slash is the path of a file. `root`, where not empty, is the
/// directory with the programs instead of /opt/coding-agents/<name>; `{root}` in the file stands
/// for it. Errors as in load_policy().
os::Result<Agent> load_agent(const std::string& name_or_path, const std::string& root = "");
os::Result<Agent> parse_agent(std::string_view text, const std::string& source,
                              const std::string& root = "");

/// True when a self rule allows this execution: `path` is a program below Agent::root (or
/// /proc/self/exe), `argv` and the names in `env` are as the rule wants them. Says nothing about
/// the file: the caller compares device and inode. Ask once when the exec is trapped and again with
/// what the new image got, at PTRACE_EVENT_EXEC.
bool self_allowed(const Agent& agent, std::string_view path, const std::vector<std::string>& argv,
                  const std::vector<std::string>& env);

/// The environment the CLI starts with: `env` without what is to be scrubbed, then what is set.
std::vector<std::string> cli_env(const Agent& agent, const std::vector<std::string>& env);

}  // namespace policy
