// agent-task-run: asks the runner for a sandbox and stands in for the command that runs there.

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "os/fd.h"
#include "os/signals.h"
#include "os/socket.h"
#include "os/text.h"
#include "runner/protocol.h"
#include "runner/relay.h"

namespace {

constexpr int kUsage = 2;
constexpr int kNotSetUp = 125;
constexpr int kNotAllowed = 126;
constexpr int kNotFound = 127;

constexpr char kHelp[] =
    "usage: agent-task-run [--socket PATH] [--] CMD [ARG...]\n"
    "\n"
    "Runs CMD in a sandbox of this session, as agentuser: what the vendor CLI's own commands get\n"
    "through the exec trap, asked for explicitly. Descriptors, signals and the exit status pass\n"
    "through; the working directory is the caller's.\n"
    "\n"
    "  --socket PATH  the runner's socket (default $AGENT_TASK_RUNNER_SOCKET, else\n"
    "                 /run/agent-task-runner.sock)\n"
    "  --help         this text\n"
    "\n"
    "Exit status: the command's; 128+n when signal n ended it and could not be repeated;\n"
    "125 the runner could not be asked; 126 denied or not executable; 127 not found; 2 usage.\n";

struct Options {
  std::string socket = runner::kSocketPath;
  std::vector<std::string> command;
};

int fail(int code, const std::string& words) {
  (void)std::fputs(os::join("agent-task-run: ", words, "\n").c_str(), stderr);
  return code;
}

// The runner's answer to the request, and the sandbox's socket.
os::Result<runner::Frame> ask(const Options& options, char** env, os::Fd& sandbox) {
  const os::Fd runner = TRY(os::connect_unix(options.socket, os::SocketType::seqpacket));
  runner::Frame request;
  request.kind = runner::FrameKind::start;
  request.argv = options.command;
  for (char** entry = env; *entry != nullptr; ++entry) request.env.emplace_back(*entry);
  TRY(runner::send_frame(runner.get(), request));
  os::Message answer = TRY(os::receive_message(runner.get(), runner::kMaxFrame));
  if (answer.end) return os::Error{EPIPE, "the runner closed the connection without an answer"};
  runner::Frame frame = TRY(runner::read_frame(answer));
  if (!answer.fds.empty()) sandbox = std::move(answer.fds.front());
  return frame;
}

int run(const Options& options, char** env) {
  // From here to the end of the command signals are the relay's to forward.
  os::block_all_signals();
  os::Fd sandbox;
  auto answered = ask(options, env, sandbox);
  if (!answered.ok()) {
    return fail(kNotSetUp, os::join(answered.error().text(), "; is a session running here?"));
  }
  const runner::Frame& answer = answered.value();
  if (answer.kind == runner::FrameKind::started && sandbox.valid()) relay_main(sandbox.release());
  if (answer.text.starts_with("agent-task-runner: ")) {
    (void)std::fputs(answer.text.c_str(), stderr);
  } else {
    fail(0, answer.text);
  }
  return answer.number == ENOENT ? kNotFound : kNotAllowed;
}

}  // namespace

int main(int argc, char** argv, char** env) {
  Options options;
  if (const char* socket = std::getenv("AGENT_TASK_RUNNER_SOCKET")) options.socket = socket;
  int next = 1;
  for (; next < argc && argv[next][0] == '-'; ++next) {
    const std::string option = argv[next];
    if (option == "--") {
      ++next;
      break;
    }
    if (option == "--help") {
      (void)std::fputs(kHelp, stdout);
      return 0;
    }
    if (option != "--socket" || next + 1 == argc) {
      return fail(kUsage, os::join("unknown option or missing value: ", option, " (see --help)"));
    }
    options.socket = argv[++next];
  }
  options.command.assign(argv + next, argv + argc);
  if (options.command.empty()) return fail(kUsage, "no command (see --help)");
  return run(options, env);
}
