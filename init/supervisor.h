// PID 1 while the session runs: signals, the death of children, and what follows from it.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "init/control_server.h"
#include "init/live.h"
#include "init/services.h"
#include "os/loop.h"
#include "os/result.h"
#include "os/signals.h"

namespace init {

/// How a session ends.
struct Ending {
  std::string reason;  // a word: cli-exited, cli-signaled, runner-lost, tracer-lost, …
  int exit_code = 0;
};

/// Owns the loop. An error in a handler ends that handler, never the supervisor: the session ends
/// when the CLI has ended, or when it has been told to because something it needs is lost.
class Supervisor {
 public:
  static os::Result<Supervisor> make(Live& live);

  /// Runs until no process of the CLI's side is left.
  os::Result<Ending> run();

 private:
  using Clock = std::chrono::steady_clock;

  Supervisor(Live& live, os::Loop loop, os::Fd signals)
      : live_(live), loop_(std::move(loop)), signals_(std::move(signals)) {}

  os::Status watch();
  os::Status serve_control();
  os::Status on_signals();
  os::Status on_cli_message();
  os::Status on_first_exec();
  os::Status on_refused_exec();
  os::Status on_host_lost();
  os::Status on_channel_message();
  void refuse_execs();

  void forward(const os::Arrived& signal);
  void hurry();
  void reap();
  void on_runner_death(pid_t pid, os::ExitStatus status);
  void start_runner_again(pid_t old_pid, unsigned answered, const std::string& how);
  void on_auditd_death(os::ExitStatus status);
  void on_spawner_death(os::ExitStatus status);
  void on_cli_init_death();

  /// Something the session needs is lost: says so and ends the CLI.
  void lose(std::string reason, const std::string& line);
  void cli_ended(int value);
  void look_for_tracer();
  bool cli_uses_listener() const;
  bool traced() const { return live_.cli.protections.trap == os::Trap::trace; }

  Live& live_;
  os::Loop loop_;
  os::Fd signals_;
  std::unique_ptr<ControlServer> control_;  // after the loop that it is served from
  RestartLimit runner_limit_;
  RestartLimit auditd_limit_;
  Clock::time_point runner_started_{};
  Clock::time_point auditd_started_ = Clock::now();
  Clock::time_point first_term_{};
  bool ending_ = false;
  Ending ending_as_;
};

}  // namespace init
