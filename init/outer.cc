#include "init/outer.h"

#include <linux/sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "init/host_side.h"
#include "init/options.h"
#include "init/pid1.h"
#include "init/session_file.h"
#include "os/child.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/text.h"

namespace init {
namespace {

using os::Error;
using os::join;
using os::Result;
using os::Status;

// Our other programs: beside this one in a build, in libexec when installed.
Result<std::string> find_libexec() {
  const std::filesystem::path own = TRY(os::own_program());
  for (const char* place : {"../libexec", "../libexec/coding-agents"}) {
    std::error_code error;
    const auto directory = std::filesystem::canonical(own.parent_path() / place, error);
    if (!error && std::filesystem::exists(directory / "agent-sandbox", error)) {
      return directory.string();
    }
  }
  return Error{ENOENT, join("find agent-sandbox near '", own.string(), "'; give --libexec DIR")};
}

Result<HostSide> read_host_side(RunOptions options, const Inherited& inherited) {
  HostSide host = TRY(read_options(std::move(options), inherited));
  RunOptions& known = host.options;
  if (find_session(known.name).ok()) {
    return Error{EEXIST, join("--name '", known.name, "': a session of that name runs")};
  }
  if (known.libexec.empty()) known.libexec = TRY(find_libexec());
  TRY(open_what_is_named(host));
  return host;
}

// Passes signals on to PID 1 until it ends.
class Warden {
 public:
  Warden(os::Child& child, int stops) : child_(child), stops_(stops) {}

  Result<os::ExitStatus> run() {
    const os::Fd signals = TRY(os::signal_descriptor());
    os::Loop loop = TRY(os::Loop::make());
    TRY(loop.watch(signals.get(), EPOLLIN, [&] { return pass_on(signals.get()); }));
    TRY(loop.watch(stops_, EPOLLIN, [&]() -> Status {
      if (take_stops()) stop();
      return {};
    }));
    TRY(loop.watch(child_.pidfd(), EPOLLIN, [&]() -> Status {
      loop.stop();
      return {};
    }));
    TRY(loop.run());
    return child_.wait();
  }

 private:
  // One stop of the CLI makes one stop of this process, however many tell of it.
  void stop() {
    os::stop_self();
    static_cast<void>(take_stops());
  }

  // True if there was a word.
  bool take_stops() const {
    bool told = false;
    for (;;) {
      const auto word = os::receive_message(stops_, 1, MSG_DONTWAIT);
      if (!word.ok() || word.value().end) return told;
      told = true;
    }
  }

  Status pass_on(int signals) {
    for (auto next = os::next_signal(signals); next.ok(); next = os::next_signal(signals)) {
      const os::Arrived& signal = next.value();
      // ^Z has stopped the CLI; the caller's shell waits for this process to stop as well.
      if (signal.number == SIGTSTP && !signal.from_process) stop();
      if (signal.number == SIGCHLD || !signal.from_process) continue;
      const Status sent = child_.signal(signal.number);
      if (!sent.ok()) os::note(sent.error().text());
    }
    return {};
  }

  os::Child& child_;
  int stops_;  // a word for each time the terminal stopped the CLI
};

Result<int> run_session(HostSide& host) {
  os::SocketPair alive = TRY(os::seqpacket_pair());
  host.alive = std::move(alive.second);
  os::Child child =
      TRY_STEP(os::Child::start(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS,
                                [&] {
                                  alive.first.reset();
                                  return run_pid1(host);
                                }),
               "make the container's namespaces");
  const SessionProcess session{host.options.name, child.pid(), TRY(os::start_time(child.pid()))};
  const Status added = add_session(session);
  if (!added.ok()) {
    static_cast<void>(child.signal(SIGKILL).ok());
    static_cast<void>(child.wait().ok());
    return added.error();
  }
  const std::array<int, 2> silenced{0, 1};
  TRY(os::silence(silenced));  // or a reader of our stdout would wait for us after the CLI
  const auto status = Warden(child, alive.first.get()).run();
  remove_session(session.name);
  if (!status.ok()) return status.error();
  return status.value().shell_code();
}

Result<int> run(RunOptions options, const Inherited& inherited) {
  TRY(take_descriptors(options));
  HostSide host = TRY(read_host_side(std::move(options), inherited));
  auto status = run_session(host);
  // The CLI's status is the session's, whatever is said here.
  if (Status back = hand_back_workspace(host.workspace); !back.ok()) {
    os::report(std::move(back).error().within("hand the workspace back").text());
  }
  return status;
}

}  // namespace

int run_command(std::span<char*> words, const Inherited& inherited) {
  return run_with(parse_run_options(words), "agent-init run",
                  [&](RunOptions options) { return run(std::move(options), inherited); });
}

}  // namespace init
