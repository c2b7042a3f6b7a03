#include "init/options.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "os/text.h"

namespace init {
namespace {

using os::Error;
using os::join;
using os::Status;
using Apply = Status (*)(RunOptions&, std::string_view);

Error invalid(std::string text) { return Error{EINVAL, std::move(text)}; }

Status set_name(RunOptions& options, std::string_view value) {
  if (!is_plain_name(value)) return invalid("letters, digits, '.', '_' and '-' only");
  options.name = value;
  return {};
}

Status set_engine(RunOptions& options, std::string_view value) {
  if (value != options.engine) {
    return invalid(join("`agent-init run` is the engine 'local', `agent-init container` is for an ",
                        "image's ENTRYPOINT under the engine 'docker'"));
  }
  return {};
}

Status add_cli_dir(RunOptions& options, std::string_view value) {
  if (!value.starts_with('/')) return invalid("not an absolute path");
  options.cli_dirs.emplace_back(value);
  return {};
}

Status add_env(RunOptions& options, std::string_view value) {
  const std::size_t end = value.find('=');
  if (end == 0 || end == std::string_view::npos) return invalid("not NAME=VALUE");
  options.env.emplace_back(value);
  return {};
}

Status add_secret(RunOptions& options, std::string_view value) {
  SecretFd secret;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), secret.fd);
  const auto digits = static_cast<std::size_t>(end - value.data());
  if (error != std::errc{} || secret.fd < 0 || value.substr(digits, 1) != "=") {
    return invalid("not FD=NAME");
  }
  secret.name = value.substr(digits + 1);
  if (!is_plain_name(secret.name)) return invalid("the name must be a plain file name");
  options.secrets.push_back(std::move(secret));
  return {};
}

Status set_channel(RunOptions& options, std::string_view value) {
  if (value != "streams" && value != "terminal") return invalid("streams or terminal");
  if (options.engine == "local") return invalid("only for an image's ENTRYPOINT");
  options.channel = value;
  return {};
}

Status set_cwd(RunOptions& options, std::string_view value) {
  if (value.starts_with('/')) return invalid("must be relative to the workspace");
  options.cwd = value;
  return {};
}

Status set_trap(RunOptions& options, std::string_view value) {
  if (value == "notify") {
    options.trap = os::Trap::notify;
  } else if (value == "trace") {
    options.trap = os::Trap::trace;
  } else if (value == "off") {
    options.trap = os::Trap::none;
  } else {
    return invalid("there are: notify, trace, off");
  }
  return {};
}

Status hide(RunOptions& options, std::string_view value) {
  const auto protection = policy::protection_named(value);
  if (!protection) return invalid("no such protection");
  options.hidden.push_back(*protection);
  return {};
}

template <std::string RunOptions::*Member>
Status set(RunOptions& options, std::string_view value) {
  options.*Member = value;
  return {};
}

template <bool RunOptions::*Member>
Status turn_on(RunOptions& options, std::string_view) {
  options.*Member = true;
  return {};
}

struct Option {
  std::string_view word;
  std::string_view value;  // its name in the help; empty: takes none
  Apply apply;
  std::string_view help;
};

constexpr std::array kOptions{
    Option{"--workspace", "DIR", set<&RunOptions::workspace>, "the user's tree, at /workspace"},
    Option{"--agent", "NAME", set<&RunOptions::agent>,
           "claude, codex, copilot, gemini or custom (custom)"},
    Option{"--policy", "FILE", set<&RunOptions::policy>, "default, strict or a file (default)"},
    Option{"--name", "NAME", set_name, "the session's name"},
    Option{"--engine", "NAME", set_engine, "local"},
    Option{"--cwd", "SUBDIR", set_cwd, "where below the workspace the CLI starts"},
    Option{"--env", "NAME=VALUE", add_env, "sets a variable of the CLI; may be repeated"},
    Option{"--secret-fd", "FD=NAME", add_secret,
           "a secret, read from FD to its end; may be repeated"},
    Option{"--channel", "KIND", set_channel,
           "stdin and stdout are agent-session's; the CLI gets streams or a terminal"},
    Option{"--cli-dir", "DIR", add_cli_dir, "shown read-only at the same path; may be repeated"},
    Option{"--events", "FILE", set<&RunOptions::events>, "each event is appended to FILE too"},
    Option{"--summary", "", turn_on<&RunOptions::summary>, "prints a summary at the end"},
    Option{"--verbose", "", turn_on<&RunOptions::verbose>, "tells what is being done"},
    Option{"--libexec", "DIR", set<&RunOptions::libexec>, "where our other programs are"},
    Option{"--engine-trap", "NAME", set_trap,
           "how execs are trapped: notify, trace or off (the first that works)"},
    Option{"--hide", "PROTECTION", hide, "acts as if this machine did not have it (for tests)"},
};

const Option* find_option(std::string_view word) {
  for (const Option& option : kOptions) {
    if (option.word == word) return &option;
  }
  return nullptr;
}

// Reads the option at words[at], which starts with `-`, and the value it needs.
Status take_option(std::span<char*> words, std::size_t& at, RunOptions& options) {
  const std::string_view word = words[at];
  const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
  const Option* option = find_option(word.substr(0, equals));
  if (option == nullptr) return invalid(join("unknown option '", word, "'"));
  std::string_view value;
  if (equals != std::string_view::npos) {
    if (option->value.empty()) return invalid(join(option->word, " takes no value"));
    value = word.substr(equals + 1);
  } else if (!option->value.empty()) {
    if (++at == words.size()) return invalid(join(option->word, " needs a value"));
    value = words[at];
  }
  TRY_STEP(option->apply(options, value), join(option->word, " '", value, "'"));
  return {};
}

}  // namespace

bool is_plain_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= 64 && name.front() != '.' && name.front() != '-' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

os::Result<RunOptions> parse_run_options(std::span<char*> words, RunOptions options) {
  std::size_t at = 0;
  for (; at < words.size() && words[at][0] == '-'; ++at) {
    if (std::string_view(words[at]) == "--") {
      ++at;
      break;
    }
    TRY(take_option(words, at, options));
  }
  options.command.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
  if (options.workspace.empty()) return invalid("--workspace is missing");
  if (options.command.empty()) return invalid("no command was given after --");
  return options;
}

std::string run_help() {
  std::string text =
      "Usage: agent-init run --workspace DIR [OPTIONS] -- COMMAND [ARGUMENTS]\n"
      "Runs COMMAND as a vendor CLI: it keeps its credentials, what it executes gets a "
      "sandbox.\n\n";
  for (const Option& option : kOptions) {
    std::string left = join("  ", option.word, option.value.empty() ? "" : " ", option.value);
    left.resize(std::max<std::size_t>(left.size() + 2, 28), ' ');
    text += join(left, option.help, '\n');
  }
  return text;
}

}  // namespace init
