#include "init/host_channel.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "audit/daemon.h"
#include "channel/container_end.h"
#include "init/control_server.h"
#include "init/live.h"
#include "init/status.h"
#include "init/users.h"
#include "os/capabilities.h"
#include "os/creds.h"
#include "os/file_notices.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/socket.h"
#include "os/text.h"

namespace init {
namespace {

using os::Error;
using os::Status;

constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kChunk = std::size_t{64} << 10;
constexpr std::size_t kMostSecret = std::size_t{64} << 10;
constexpr std::size_t kMostWaiting = 4 * kMostSecret;
constexpr int kAboveStdio = 3;
constexpr pid_t kInit = 1;
constexpr char kNobody[] = "hear agent-session at the other end of stdin; start with run-agent";

os::Result<channel::Frame> next_frame(HostChannel& channel) {
  for (;;) {
    auto frame = TRY(channel.rest.next());
    if (frame) return std::move(*frame);
    if (!os::wait_readable(channel.in.get(), kPatience)) return Error{ETIMEDOUT, kNobody};
    std::string bytes = TRY(os::read_some(channel.in.get(), kChunk));
    if (bytes.empty()) return Error{EPIPE, kNobody};
    channel.rest.add(bytes);
    os::wipe(bytes);
  }
}

os::Result<ChannelSecret> secret_in(channel::Frame frame) {
  const std::size_t end = frame.bytes.find('\0');
  if (end == std::string::npos || frame.bytes.size() > 2 * kMostSecret) {
    return Error{EPROTO, "read a secret from the channel"};
  }
  ChannelSecret secret{frame.bytes.substr(0, end), frame.bytes.substr(end + 1)};
  os::wipe(frame.bytes);
  return secret;
}

Status read_beginning(HostChannel& channel) {
  const channel::Frame first = TRY(next_frame(channel));
  channel.hello = TRY(channel::decode_hello(first));
  for (;;) {
    channel::Frame frame = TRY(next_frame(channel));
    if (frame.type == channel::Type::begin) return {};
    if (frame.type != channel::Type::secret)
      return Error{EPROTO, "read the channel's first frames"};
    channel.secrets.push_back(TRY(secret_in(std::move(frame))));
  }
}

Status become_channel(const std::vector<int>& kept) {
  os::set_process_name("agent-channel");
  TRY(os::leave_terminal());
  const std::array<int, 2> silenced{0, 1};
  TRY(os::silence(silenced));
  os::close_others(kept);
  TRY(os::become_powerless(kAgentChannel, kAgentChannel));
  TRY(os::set_dumpable(false));
  return os::set_parent_death_signal(SIGKILL, kInit);
}

std::vector<int> descriptors_of(const channel::ContainerEnd& end) {
  std::vector<int> kept;
  for (const os::Fd* fd : {&end.in, &end.out, &end.control, &end.terminal, &end.input, &end.output,
                           &end.error, &end.log}) {
    if (fd->valid()) kept.push_back(fd->get());
  }
  kept.push_back(end.notices.descriptor());
  return kept;
}

// The log is agentaudit's; the process that tells the host of it may read it and nothing else. It
// is made here where agent-auditd, which starts meanwhile, has not got that far.
Status open_log(channel::ContainerEnd& end) {
  const os::FsUser owner = TRY(os::FsUser::enter(kAgentAudit, kAgentAudit));
  end.log = TRY(os::open_file(audit::kLogPath, O_RDONLY | O_CREAT | O_NOFOLLOW, audit::kLogMode));
  end.notices = TRY(os::FileNotices::make());
  const os::Fd directory = TRY(os::open_file(kLogDir, O_RDONLY | O_DIRECTORY));
  static_cast<void>(TRY(end.notices.watch(directory.get(), true)));
  return {};
}

// True when somebody wants the session to end at once.
bool asked_to_end(int signals) {
  bool asked = false;
  for (auto next = os::next_signal(signals); next.ok(); next = os::next_signal(signals)) {
    const int number = next.value().number;
    asked = asked || number == SIGTERM || number == SIGINT || number == SIGQUIT;
  }
  return asked;
}

Status await_end(Live& live) {
  os::Child& child = live.channel_process;
  const os::Fd signals = TRY(os::signal_descriptor());
  os::Loop loop = TRY(os::Loop::make());
  TRY(loop.watch(child.pidfd(), EPOLLIN, [&]() -> Status {
    loop.stop();
    return {};
  }));
  TRY(loop.watch(signals.get(), EPOLLIN, [&]() -> Status {
    return asked_to_end(signals.get()) ? child.signal(SIGKILL) : Status();
  }));
  const auto control = TRY(ControlServer::start(
      loop, live.control_socket.get(),
      [&] {
        return status_records(live, {&live.auditd, live.started, 0},
                              {&live.runner, live.started, 0});
      },
      [&](ControlVerb verb, os::Fd connection, const std::vector<os::Fd>& fds) {
        return hand_to_channel(live, verb, std::move(connection), fds);
      }));
  TRY(loop.run());
  static_cast<void>(TRY(child.wait()));
  return {};
}

}  // namespace

os::Result<HostChannel> open_host_channel() {
  HostChannel channel;
  channel.in = TRY(os::duplicate(0, kAboveStdio));
  channel.out = TRY(os::duplicate(1, kAboveStdio));
  const std::array<int, 2> taken{0, 1};
  TRY(os::silence(taken));
  channel.rest.reserve(kMostWaiting);
  TRY(read_beginning(channel));
  channel.rest.wipe_taken();
  return channel;
}

os::Result<CliStdio> make_cli_stdio(bool no_input) {
  CliStdio stdio;
  os::Pipe output = TRY(os::make_pipe());
  os::Pipe error = TRY(os::make_pipe());
  if (no_input) {
    stdio.input = TRY(os::open_file("/dev/null", O_RDWR));
  } else {
    os::Pipe input = TRY(os::make_pipe());
    stdio.input = std::move(input.read_end);
    stdio.to_input = std::move(input.write_end);
  }
  stdio.output = std::move(output.write_end);
  stdio.from_output = std::move(output.read_end);
  stdio.error = std::move(error.write_end);
  stdio.from_error = std::move(error.read_end);
  os::make_reopenable(std::array<int, 3>{stdio.input.get(), stdio.output.get(), stdio.error.get()});
  return stdio;
}

Status start_channel(Live& live) {
  HostChannel& host = *live.channel;
  os::SocketPair control = TRY(os::seqpacket_pair());
  channel::ContainerEnd end;
  end.in = std::move(host.in);
  end.out = std::move(host.out);
  end.first = std::move(host.rest);
  end.key = host.hello.key;
  end.control = std::move(control.second);
  end.terminal = std::move(live.cli.terminal);
  end.input = std::move(live.stdio.to_input);
  end.output = std::move(live.stdio.from_output);
  end.error = std::move(live.stdio.from_error);
  TRY_STEP(open_log(end), "open the event log for the channel");
  live.channel_process = TRY_STEP(os::Child::start(0,
                                                   [&] {
                                                     const Status ready =
                                                         become_channel(descriptors_of(end));
                                                     if (!ready.ok()) {
                                                       os::report(ready.error().text());
                                                       return 1;
                                                     }
                                                     return run_container_end(std::move(end));
                                                   }),
                                  "start agent-channel");
  live.channel_control = std::move(control.first);
  return {};
}

Status hand_to_channel(Live& live, ControlVerb verb, os::Fd connection,
                       const std::vector<os::Fd>& fds) {
  if (!live.channel_process.running()) return {};
  channel::Message message{channel::Word::attach, 0};
  std::vector<int> passed;
  if (verb == ControlVerb::channel) {
    message.word = channel::Word::peer;
    for (const os::Fd& fd : fds) passed.push_back(fd.get());
  }
  passed.push_back(connection.get());
  return os::send_message(live.channel_control.get(),
                          {reinterpret_cast<const char*>(&message), sizeof message}, passed,
                          MSG_DONTWAIT);
}

void end_channel(Live& live, int exit_code) {
  if (!live.channel_process.running()) return;
  const channel::Message ending{channel::Word::ending, exit_code};
  Status done = os::send_message(live.channel_control.get(),
                                 {reinterpret_cast<const char*>(&ending), sizeof ending});
  if (done.ok()) done = await_end(live);
  if (!done.ok()) os::report(std::move(done).error().within("end the channel").text());
}

}  // namespace init
