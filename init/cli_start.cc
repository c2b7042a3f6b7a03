#include "init/cli_start.h"

#include <fcntl.h>
#include <linux/sched.h>

#include <cerrno>

#include "init/cli_env.h"
#include "init/cli_init.h"
#include "init/cli_message.h"
#include "os/text.h"

namespace init {
namespace {

using os::Error;
using os::join;
using os::Status;

CliStart cli_start_of(const HostSide& host, const Live& live, int socket) {
  CliStart start;
  start.agent = &host.agent;
  start.hidden = &host.options.hidden;
  start.command = host.options.command;
  start.env = cli_environment(host.agent, os::environment(), host.options.env);
  start.directory = host.options.cwd.empty() ? kWorkspace : join(kWorkspace, '/', host.options.cwd);
  start.signals = host.signals;
  start.closed_stdio = host.closed_stdio;
  if (host.options.channel == "terminal") {
    start.terminal = {live.channel->hello.rows, live.channel->hello.columns};
  } else if (live.channel) {
    start.stdio = {live.stdio.input.get(), live.stdio.output.get(), live.stdio.error.get()};
  }
  start.relay = live.relay.get();
  start.trap = live.trap.trap;
  start.traced_as_itself = live.trace_as.has_value();
  start.socket = socket;
  return start;
}

Status fork_cli_init(const HostSide& host, Live& live) {
  if (host.options.channel == "streams")
    live.stdio = TRY(make_cli_stdio(live.channel->hello.no_input));
  os::SocketPair pair = TRY(os::seqpacket_pair());
  TRY(os::stamp_senders(pair.first.get()));
  const CliStart start = cli_start_of(host, live, pair.second.get());
  live.cli.init = TRY(os::Child::start(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC,
                                       [&] { return run_cli_init(live.mounts, start); }));
  live.cli.socket = std::move(pair.first);
  for (os::Fd* given : {&live.stdio.input, &live.stdio.output, &live.stdio.error}) given->reset();
  return {};
}

Status take_ready(ReceivedCliMessage received, CliSide& cli) {
  cli.pid = received.sender;
  cli.process = TRY(os::open_process(cli.pid));  // it waits for the go, so the pid is still its own
  cli.root = std::move(received.descriptors.root);
  cli.listener = std::move(received.descriptors.listener);
  cli.terminal = std::move(received.descriptors.terminal);
  cli.protections = received.message.protections;
  cli.own_programs = std::move(received.message.own_programs);
  return {};
}

}  // namespace

std::optional<Failure> start_cli(const HostSide& host, Live& live) {
  constexpr char kStep[] = "start the CLI";
  Status forked = fork_cli_init(host, live);
  if (!forked.ok()) return Failure{std::move(forked).error().within(kStep)};
  auto received = receive_cli_message(live.cli.socket.get());
  if (!received.ok()) return Failure{std::move(received).error().within(kStep)};
  CliMessage& message = received.value().message;
  if (received.value().end) return Failure{Error{EPIPE, "start the CLI: its process ended"}};
  if (message.word != CliWord::ready) {
    return Failure{Error{message.value, join(kStep, ": ", message.text)}, message.exit_code};
  }
  Status taken = take_ready(std::move(received).value(), live.cli);
  if (!taken.ok()) return Failure{std::move(taken).error().within(kStep)};
  return std::nullopt;
}

os::Result<os::Pending> receive_first_exec(const CliSide& cli, seccomp_notif& slot) {
  TRY_STEP(os::receive(cli.listener.get(), slot), "receive the CLI's own exec");
  const auto caller = static_cast<pid_t>(slot.pid);
  os::Pending pending(cli.listener.get(), slot);
  if (caller != cli.pid) {
    std::move(pending).refuse(EPERM);
    return Error{EPERM, join("admit the CLI's own exec: process ", caller, " came first")};
  }
  return pending;
}

}  // namespace init
