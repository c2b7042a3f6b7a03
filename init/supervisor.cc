#include "init/supervisor.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "audit/actions.h"
#include "channel/container_end.h"
#include "init/cli_message.h"
#include "init/cli_start.h"
#include "init/control_protocol.h"
#include "init/status.h"
#include "os/listener.h"
#include "os/log.h"
#include "os/socket.h"
#include "os/text.h"

namespace init {
namespace {

using os::join;
using os::Status;
using std::chrono::milliseconds;

// `timeout` sends TERM to its child and again to the group: that is not impatience.
constexpr milliseconds kImpatience{1000};
constexpr milliseconds kGrace{2000};  // from TERM to KILL where we end the CLI ourselves

constexpr milliseconds kBriefly{20};  // for this long a command may wait for a runner
// From the kernel's kill of what a dead tracer traced to the end of the tracer itself, which has
// memory and threads to take down. A traced CLI that somebody else kills ends this much later.
constexpr milliseconds kTracerEnd{300};

constexpr int kLost = 125;

// What somebody sends to the session is meant for the CLI. What a terminal makes goes to its whole
// foreground group, the CLI included, without us.
constexpr std::array kForwarded{SIGTERM, SIGINT,  SIGHUP,   SIGQUIT,
                                SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};

milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

os::Result<Supervisor> Supervisor::make(Live& live) {
  os::Loop loop = TRY(os::Loop::make());
  os::Fd signals = TRY(os::signal_descriptor());
  return Supervisor(live, std::move(loop), std::move(signals));
}

Status Supervisor::watch() {
  TRY(loop_.watch(signals_.get(), EPOLLIN, [this] { return on_signals(); }));
  TRY(loop_.watch(live_.cli.socket.get(), EPOLLIN, [this] { return on_cli_message(); }));
  if (live_.host->has_outside()) {
    TRY(loop_.watch(live_.host->alive.get(), EPOLLIN, [this] { return on_host_lost(); }));
  }
  if (live_.channel_process.running()) {
    TRY(loop_.watch(live_.channel_control.get(), EPOLLIN, [this] { return on_channel_message(); }));
  }
  if (!live_.cli.listener.valid()) {
    runner_started_ = Clock::now();
    return {};
  }
  return loop_.watch(live_.cli.listener.get(), EPOLLIN, [this] { return on_first_exec(); });
}

// The host's side keeps the other end of this socket open and never writes to it.
Status Supervisor::on_host_lost() {
  loop_.forget(live_.host->alive.get());
  lose("host-lost", "the host's side of the session has ended");
  return {};
}

// Signals that somebody on the host sends to the session.
Status Supervisor::on_channel_message() {
  auto received = os::receive_message(live_.channel_control.get(), 64, MSG_DONTWAIT);
  if (!received.ok()) return received.error();
  channel::Message message;
  if (received.value().end || received.value().bytes.size() != sizeof message) {
    loop_.forget(live_.channel_control.get());
    return {};
  }
  std::memcpy(&message, received.value().bytes.data(), sizeof message);
  if (message.word == channel::Word::signal) forward({message.value, true, 0});
  return {};
}

Status Supervisor::serve_control() {
  live_.control_socket = TRY(ControlServer::listen(kControlSocket));
  control_ = TRY(ControlServer::start(
      loop_, live_.control_socket.get(),
      [this] {
        return status_records(live_, {&live_.auditd, auditd_started_, auditd_limit_.restarts()},
                              {&live_.runner, runner_started_, runner_limit_.restarts()});
      },
      [this](ControlVerb verb, os::Fd connection, const std::vector<os::Fd>& fds) {
        return hand_to_channel(live_, verb, std::move(connection), fds);
      }));
  return {};
}

os::Result<Ending> Supervisor::run() {
  TRY(watch());
  TRY(serve_control());
  reap();  // whoever ended before the signals were watched
  TRY(loop_.run());
  return ending_as_;
}

Status Supervisor::on_signals() {
  bool child_ended = false;
  for (auto signal = os::next_signal(signals_.get()); signal.ok();
       signal = os::next_signal(signals_.get())) {
    if (signal.value().number == SIGCHLD) {
      child_ended = true;
    } else {
      forward(signal.value());
    }
  }
  if (child_ended) reap();
  return {};
}

void Supervisor::forward(const os::Arrived& signal) {
  const bool known =
      std::find(kForwarded.begin(), kForwarded.end(), signal.number) != kForwarded.end();
  if (!known || !signal.from_process) return;
  if (signal.number == SIGTERM) {
    if (first_term_ == Clock::time_point{}) {
      first_term_ = Clock::now();
    } else if (since(first_term_) >= kImpatience) {
      return hurry();
    }
  }
  const Status sent = os::signal_process(live_.cli.process.get(), signal.number);
  if (!sent.ok()) os::note(sent.error().text());
}

void Supervisor::hurry() {
  for (const Status& sent :
       {os::signal_process(live_.cli.process.get(), SIGKILL), live_.cli.init.signal(SIGTERM)}) {
    if (!sent.ok()) os::note(sent.error().text());
  }
}

// A runner takes whatever arrives at the listener, so it starts when the CLI's own exec has been
// taken from there, and the CLI goes on when there is a runner for its next one.
Status Supervisor::on_first_exec() {
  loop_.forget(live_.cli.listener.get());
  seccomp_notif slot{};
  auto first = receive_first_exec(live_.cli, slot);
  if (!first.ok()) {
    lose("exec-trap-lost", first.error().text());
    return {};
  }
  auto runner = start_runner(live_);
  if (!runner.ok()) {
    lose("runner-lost", runner.error().text());
    return {};  // the CLI's exec fails with EIO
  }
  live_.runner = std::move(runner).value();
  runner_started_ = Clock::now();
  std::move(first).value().proceed();
  return {};
}

// Nobody else is there to answer.
Status Supervisor::on_refused_exec() {
  seccomp_notif notification{};
  TRY(os::receive(live_.cli.listener.get(), notification));
  os::Pending(live_.cli.listener.get(), notification).refuse(EIO);
  return {};
}

Status Supervisor::on_cli_message() {
  auto received = receive_cli_message(live_.cli.socket.get());
  if (!received.ok()) return received.error();
  if (received.value().end) {
    loop_.forget(live_.cli.socket.get());
    return {};
  }
  const CliMessage& message = received.value().message;
  if (message.word == CliWord::failed) {
    os::report(os::Error{message.value, join("start the CLI: ", message.text)}.text());
    if (!ending_) ending_as_.reason = "cli-not-started";
  }
  if (message.word == CliWord::stopped && live_.host->has_outside()) {
    // The host's side may be gone, or not be looking.
    static_cast<void>(os::send_message(live_.host->alive.get(), "s", {}, MSG_DONTWAIT).ok());
  }
  if (message.word == CliWord::stopped && live_.channel) {
    // Nobody is there to continue it: a terminal of its own has no shell.
    static_cast<void>(os::signal_process(live_.cli.process.get(), SIGCONT).ok());
  }
  if (message.word == CliWord::ended) cli_ended(message.value);
  return {};
}

// With its tracer the CLI is killed, and it is the tracer's end that says why.
void Supervisor::look_for_tracer() {
  if (!traced() || !live_.runner.running()) return;
  if (!os::wait_readable(live_.runner.pidfd(), kTracerEnd)) return;
  const pid_t pid = live_.runner.pid();
  const auto status = live_.runner.poll();
  if (status.ok() && status.value()) on_runner_death(pid, *status.value());
}

void Supervisor::cli_ended(int value) {
  if (!ending_ && value == -SIGKILL) look_for_tracer();
  if (!ending_) {
    ending_as_.exit_code = value < 0 ? 128 - value : value;
    if (ending_as_.reason.empty()) ending_as_.reason = value < 0 ? "cli-signaled" : "cli-exited";
  }
  ending_ = true;
  loop_.stop();
}

void Supervisor::reap() {
  while (const auto one = os::reap_one()) {
    if (one->pid == live_.runner.pid()) {
      on_runner_death(one->pid, one->status);
    } else if (one->pid == live_.auditd.pid()) {
      on_auditd_death(one->status);
    } else if (one->pid == live_.channel_process.pid()) {
      live_.channel_process.reaped();
      lose("channel-lost", join("agent-channel ended (", one->status.text(), ")"));
    } else if (one->pid == live_.spawner.pid()) {
      on_spawner_death(one->status);
    } else if (one->pid == live_.cli.init.pid()) {
      on_cli_init_death();
    }
  }
}

bool Supervisor::cli_uses_listener() const {
  if (!live_.cli.listener.valid()) return true;
  const auto ready = os::poll_listener(live_.cli.listener.get(), 0);
  return ready.ok() || ready.error().code != EPIPE;
}

void Supervisor::on_runner_death(pid_t pid, os::ExitStatus status) {
  live_.runner.reaped();
  const unsigned answered = live_.cli.listener.valid()
                                ? runner::answer_all(*live_.slots, live_.cli.listener.get(), EIO)
                                : 0;
  if (ending_ || !cli_uses_listener()) return;
  if (traced()) {
    return lose("tracer-lost", join("agent-task-runnerd, which traces the CLI, ended (",
                                    status.text(), "), and the CLI with it"));
  }
  const bool killed = status == os::ExitStatus{true, SIGKILL};
  const auto delay = runner_limit_.after_death(since(runner_started_), killed);
  const std::string how = status.text();
  if (!delay) {
    refuse_execs();
    return lose("runner-lost", join("agent-task-runnerd keeps ending (", how, ")"));
  }
  if (delay->count() == 0) return start_runner_again(pid, answered, how);
  if (*delay > kBriefly) refuse_execs();
  loop_.after(*delay, [this, pid, answered, how]() -> Status {
    start_runner_again(pid, answered, how);
    return {};
  });
}

// While there is no runner: whoever executes something gets EIO at once instead of waiting.
void Supervisor::refuse_execs() {
  if (!live_.cli.listener.valid()) return;
  const Status watched =
      loop_.watch(live_.cli.listener.get(), EPOLLIN, [this] { return on_refused_exec(); });
  if (!watched.ok()) os::report(watched.error().text());
}

void Supervisor::start_runner_again(pid_t old_pid, unsigned answered, const std::string& how) {
  if (ending_) return;
  if (live_.cli.listener.valid()) loop_.forget(live_.cli.listener.get());
  auto runner = start_runner(live_);
  if (!runner.ok()) return lose("runner-lost", runner.error().text());
  live_.runner = std::move(runner).value();
  runner_started_ = Clock::now();
  os::note(join("agent-task-runnerd ended (", how, ") and was started again"));
  live_.audit->offer(audit::runner_restarted(old_pid, live_.runner.pid(), runner_limit_.restarts(),
                                             answered, how));
}

void Supervisor::on_auditd_death(os::ExitStatus status) {
  live_.auditd.reaped();
  const bool killed = status == os::ExitStatus{true, SIGKILL};
  const auto delay = auditd_limit_.after_death(since(auditd_started_), killed);
  if (!delay) return lose("auditd-lost", join("agent-auditd keeps ending (", status.text(), ")"));
  loop_.after(*delay, [this]() -> Status {
    live_.auditd = TRY(start_auditd(live_));
    auditd_started_ = Clock::now();
    return {};
  });
}

void Supervisor::on_spawner_death(os::ExitStatus status) {
  live_.spawner.reaped();
  if (ending_) return;
  lose("spawner-lost", join("agent-sandbox ended (", status.text(), "), and all commands with it"));
}

void Supervisor::on_cli_init_death() {
  live_.cli.init.reaped();
  // Its last words, if it had any, are in the socket.
  for (auto left = receive_cli_message(live_.cli.socket.get()); left.ok() && !left.value().end;
       left = receive_cli_message(live_.cli.socket.get())) {
    if (left.value().message.word == CliWord::ended) return cli_ended(left.value().message.value);
  }
  if (!ending_) ending_as_ = {"cli-init-lost", kLost};
  ending_ = true;
  loop_.stop();
}

void Supervisor::lose(std::string reason, const std::string& line) {
  os::report(join("the session ends (", reason, "): ", line));
  if (ending_) return;
  ending_ = true;
  ending_as_ = {std::move(reason), kLost};
  const Status told = os::signal_process(live_.cli.process.get(), SIGTERM);
  if (!told.ok()) os::note(told.error().text());
  loop_.after(kGrace, [this]() -> Status { return live_.cli.init.signal(SIGKILL); });
}

}  // namespace init
