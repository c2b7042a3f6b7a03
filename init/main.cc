// agent-init: `run` makes a container and is its PID 1, `container` is PID 1 of one that an engine
// made, `policy` explains a policy file.
#include <iostream>
#include <span>
#include <string_view>

#include "init/attach.h"
#include "init/contained.h"
#include "init/options.h"
#include "init/outer.h"
#include "init/policy_command.h"
#include "init/version.h"

namespace {

constexpr int kUsage = 2;
constexpr char kHelp[] =
    "Usage: agent-init run OPTIONS -- COMMAND     runs a session; see agent-init run --help\n"
    "       agent-init container OPTIONS -- COMMAND\n"
    "                                             the same as an image's ENTRYPOINT\n"
    "       agent-init attach [ROWSxCOLUMNS]      joins this terminal with the CLI's, in its\n"
    "                                             container; the size at first, where the\n"
    "                                             terminal has none\n"
    "       agent-init channel                    for agent-session: a new connection\n"
    "       agent-init policy check|explain       what a policy file says\n"
    "       agent-init --help | --version\n";

}  // namespace

int main(int argc, char** argv) {
  // First of all, so that a signal sent a microsecond after our exec is not lost.
  const init::Inherited inherited{os::block_all_signals(), os::hold_stdio()};
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  const std::string_view command = argc > 1 ? words[1] : "";
  const std::string_view first = argc > 2 ? words[2] : "";
  if (command == "container" && first != "--help") {
    return init::container_command(words.subspan(2), inherited);
  }
  if (command == "run" && first != "--help") return init::run_command(words.subspan(2), inherited);
  if (command == "attach") return init::attach_command(first);
  if (command == "channel") return init::channel_command();
  os::restore_signals(inherited.signals);
  if (command == "run" || command == "container") {
    std::cout << init::run_help();
  } else if (command == "policy") {
    return init::policy_command(words.subspan(2));
  } else if (command == "--version") {
    std::cout << "agent-init " << init::kVersion << '\n';
  } else if (command == "--help") {
    std::cout << kHelp;
  } else {
    std::cerr << kHelp;
    return kUsage;
  }
  return 0;
}
