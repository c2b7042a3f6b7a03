#include "init/policy_command.h"

#include <fcntl.h>

#include <cerrno>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "init/explain_text.h"
#include "os/fd.h"
#include "os/text.h"
#include "policy/agent.h"
#include "policy/matching.h"
#include "policy/policy.h"

namespace init {
namespace {

constexpr int kInvalid = 1;
constexpr int kUsage = 2;
constexpr char kHelp[] =
    "Usage: agent-init policy check [--agent] FILE\n"
    "       agent-init policy explain [OPTIONS] [--cwd DIR] -- COMMAND ARGS...\n"
    "\n"
    "check reads a policy file, or an agent file, and names the first mistake in it.\n"
    "explain tells which rule decides on a command, and why no earlier one does.\n"
    "\n"
    "  --policy FILE      default, strict or a file (default)\n"
    "  --agent NAME       claude, codex, copilot, gemini, custom or a file (custom)\n"
    "  --cli-dir DIR      where that agent's programs are (/opt/coding-agents/NAME)\n"
    "  --cwd DIR          the working directory (/workspace)\n"
    "  --env NAME=VALUE   a variable of the command; may be repeated\n"
    "  --task-run         as agent-task-run sends it, not as the exec trap sees it\n"
    "  --json             the same as one JSON object\n"
    "\n"
    "Exit status: 0 ok, 1 the file is invalid, 2 wrong usage.\n";
constexpr std::string_view kPath = "/usr/local/bin:/usr/bin:/bin";

struct Options {
  std::string policy = "default";
  std::string agent = "custom";
  std::string cli_dir;
  policy::ExecRequest request;
  bool json = false;
};

int usage(std::string_view problem) {
  std::cerr << "agent-init: policy: " << problem << "; see agent-init policy --help\n";
  return kUsage;
}

// A mistake in a file is told by its place; a failure to read it needs the errno.
int invalid(const os::Error& error) {
  const std::string text = error.code == EINVAL ? error.step : error.text();
  std::cerr << "agent-init: policy: " << text << '\n';
  return kInvalid;
}

int check(std::span<char*> words) {
  const bool agent = !words.empty() && std::string_view(words.front()) == "--agent";
  if (agent) words = words.subspan(1);
  if (words.size() != 1) return usage("check takes one FILE");
  const std::string file = words.front();
  if (agent) {
    const auto loaded = policy::load_agent(file);
    if (!loaded.ok()) return invalid(loaded.error());
    std::cout << file << ": agent " << loaded.value().name << " is valid\n";
    return 0;
  }
  const auto loaded = policy::load_policy(file);
  if (!loaded.ok()) return invalid(loaded.error());
  std::cout << file << ": valid, rules: " << loaded.value().exec.rules.size()
            << ", profiles: " << loaded.value().profiles.size() << '\n';
  return 0;
}

/// The option that a word without a value sets; null for any other word.
bool* flag_of(std::string_view word, Options& options) {
  if (word == "--task-run") return &options.request.explicit_route;
  if (word == "--json") return &options.json;
  return nullptr;
}

/// Where the value of an option goes; null for any other word.
std::string* target_of(std::string_view word, Options& options) {
  if (word == "--policy") return &options.policy;
  if (word == "--agent") return &options.agent;
  if (word == "--cli-dir") return &options.cli_dir;
  if (word == "--cwd") return &options.request.cwd;
  if (word == "--env") return &options.request.env.emplace_back();
  return nullptr;
}

/// Reads the words of `explain` up to and with COMMAND ARGS; the problem, if there is one.
std::optional<std::string> read_words(std::span<char*> words, Options& options) {
  std::size_t i = 0;
  for (; i < words.size() && std::string_view(words[i]) != "--"; ++i) {
    const std::string_view word = words[i];
    if (bool* const flag = flag_of(word, options)) {
      *flag = true;
      continue;
    }
    std::string* const target = target_of(word, options);
    if (target == nullptr) return os::join("unknown option '", word, "'");
    if (i + 1 == words.size()) return os::join(word, " needs a value");
    *target = words[++i];
  }
  for (const std::string& entry : options.request.env) {
    if (entry.find('=', 1) == std::string::npos) return "--env needs a value NAME=VALUE";
  }
  if (i + 1 >= words.size()) return "no COMMAND after --";
  options.request.argv.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
  return std::nullopt;
}

/// What execvp(3) would execute; a name that this machine's PATH does not have stays in /usr/bin.
std::string program_path(const policy::ExecRequest& request) {
  const std::string& command = request.argv.front();
  if (command.starts_with('/')) return command;
  if (command.find('/') != std::string::npos) return os::join(request.cwd, "/", command);
  std::string_view path = kPath;
  for (const std::string& entry : request.env) {
    if (policy::env_name(entry) == "PATH") path = std::string_view(entry).substr(5);
  }
  for (const std::string& directory : os::split(path, ':')) {
    std::string candidate = os::join(directory, "/", command);
    if (os::file_id_at(AT_FDCWD, candidate).ok()) return candidate;
  }
  return os::join("/usr/bin/", command);
}

int explain(std::span<char*> words) {
  Options options;
  options.request.cwd = "/workspace";
  if (const auto problem = read_words(words, options)) return usage(*problem);
  policy::ExecRequest& request = options.request;
  if (!request.cwd.starts_with('/')) return usage("--cwd takes an absolute path");

  const auto policy = policy::load_policy(options.policy);
  if (!policy.ok()) return invalid(policy.error());
  const auto agent = policy::load_agent(options.agent, options.cli_dir);
  if (!agent.ok()) return invalid(agent.error());
  request.path = program_path(request);
  // Without a session there is no process whose program could be compared: the path stands for it.
  request.own_program = policy::self_allowed(agent.value(), policy::clean_path(request.path),
                                             request.argv, request.env);
  const policy::Explanation explanation = policy::explain(policy.value().exec, request);
  const ExplainedCommand command{options.policy, request, policy.value(), explanation};
  std::cout << (options.json ? explain_json(command) : explain_text(command));
  return 0;
}

}  // namespace

int policy_command(std::span<char*> words) {
  const std::string_view verb = words.empty() ? "" : words.front();
  if (verb == "check") return check(words.subspan(1));
  if (verb == "explain") return explain(words.subspan(1));
  if (verb == "--help") {
    std::cout << kHelp;
    return 0;
  }
  return usage("check or explain");
}

}  // namespace init
