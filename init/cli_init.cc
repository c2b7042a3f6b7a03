#include "init/cli_init.h"

#include <chrono>
#include <csignal>
#include <optional>

#include "init/cli_message.h"
#include "os/child.h"
#include "os/creds.h"
#include "os/loop.h"

namespace init {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kSetUpFailed = 125;

int fail(int socket, const os::Error& error) {
  CliMessage message;
  message.value = error.code;
  message.text = error.step;
  const os::Status ignored = send_cli_message(socket, message);
  static_cast<void>(ignored);
  return kSetUpFailed;
}

// Everything that has ended is reaped; the CLI's status is kept. That it stopped for its terminal
// is told: the caller's shell waits for the host's side to stop as well.
class Reaper {
 public:
  Reaper(pid_t cli, int socket) : cli_(cli), socket_(socket) {}
  void reap() {
    while (const auto one = os::reap_one(os::Stops::tell)) {
      if (one->stopped_by != 0) {
        if (one->pid == cli_) tell_stop(one->stopped_by);
      } else if (one->pid == cli_) {
        status_ = one->status;
      }
    }
  }
  const std::optional<os::ExitStatus>& status() const { return status_; }

 private:
  void tell_stop(int signal) const {
    if (signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU) return;
    CliMessage stopped;
    stopped.word = CliWord::stopped;
    stopped.value = signal;
    const os::Status ignored = send_cli_message(socket_, stopped);
    static_cast<void>(ignored);
  }

  pid_t cli_;
  int socket_;
  std::optional<os::ExitStatus> status_;
};

// Takes all signals that have arrived; true when one of them was TERM.
bool take_signals(int descriptor) {
  bool hurry = false;
  for (auto next = os::next_signal(descriptor); next.ok(); next = os::next_signal(descriptor)) {
    hurry = hurry || next.value().number == SIGTERM;
  }
  return hurry;
}

// Whatever is left gets TERM, and CONT so that the stopped see it; then KILL.
void drain(int signals, Reaper& reaper, bool hurry) {
  if (!os::has_children()) return;
  os::signal_all(SIGTERM);
  os::signal_all(SIGCONT);
  const auto deadline = Clock::now() + milliseconds(kDrainMilliseconds);
  while (os::has_children()) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (hurry || left.count() <= 0) {
      os::signal_all(SIGKILL);
      os::wait_readable(signals);
    } else {
      os::wait_readable(signals, left);
    }
    hurry = take_signals(signals) || hurry;
    reaper.reap();
  }
}

}  // namespace

int run_cli_init(const SessionMounts& mounts, CliStart start) {
  os::set_process_name("cli-init");
  const auto tree = build_cli_tree(mounts);
  if (!tree.ok()) return fail(start.socket, tree.error());
  start.memfd_noexec =
      tree.value().memfd_noexec && offered(policy::Protection::memfd_noexec, *start.hidden);
  for (int number = 0; number < 3; ++number) {
    const int given = start.stdio[static_cast<std::size_t>(number)];
    if (given < 0) continue;
    const os::Status placed = os::place_descriptor(given, number);
    if (!placed.ok()) return fail(start.socket, placed.error());
  }
  auto signals = os::signal_descriptor();
  if (!signals.ok()) return fail(start.socket, signals.error());
  // The CLI stays in its caller's session and process group, or it would lose the terminal; this
  // process leaves them, so that ^C does not reach it.
  const auto cli = os::Child::start(0, [&] { return run_cli(start); });
  if (!cli.ok()) return fail(start.socket, cli.error());
  const os::Status left = os::leave_terminal();
  const os::Status hidden = os::set_dumpable(false);
  if (!left.ok()) return fail(start.socket, left.error());
  if (!hidden.ok()) return fail(start.socket, hidden.error());
  const int stdio[] = {0, 1, 2};
  const os::Status silenced = os::silence(stdio);
  if (!silenced.ok()) return fail(start.socket, silenced.error());
  os::close_others({start.socket, signals.value().get()});

  Reaper reaper(cli.value().pid(), start.socket);
  bool hurry = false;
  while (!reaper.status()) {
    os::wait_readable(signals.value().get());
    hurry = take_signals(signals.value().get()) || hurry;
    reaper.reap();
  }
  drain(signals.value().get(), reaper, hurry);
  CliMessage ended;
  ended.word = CliWord::ended;
  const os::ExitStatus status = *reaper.status();
  ended.value = status.signalled ? -status.value : status.value;
  const os::Status ignored = send_cli_message(start.socket, ended);
  static_cast<void>(ignored);
  return 0;
}

}  // namespace init
