// An agent-auditd in a process of its own, with its channel, its log and its copy, for tests.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "audit/client.h"
#include "audit/daemon.h"
#include "os/fd.h"

namespace test_support {

/// Forks and kills incarnations as PID 1 does; both ends of the channel stay open here.
class DaemonProcess {
 public:
  /// The log lies in `directory`, or in a new one; `copied`: there is a copy, too.
  explicit DaemonProcess(bool copied = true, std::string directory = {})
      : directory_(std::move(directory)), own_directory_(directory_.empty()) {
    if (own_directory_) {
      directory_ = "/tmp/auditd_test.XXXXXX";
      REQUIRE(::mkdtemp(directory_.data()) != nullptr);
    }
    auto channel = audit::make_channel();
    REQUIRE(channel.ok());
    channel_ = std::move(channel).value();
    auto state = audit::map_shared_state();
    REQUIRE(state.ok());
    state_ = state.value();
    if (copied) {
      auto file = os::open_file(copy_path(), O_RDWR | O_APPEND | O_CREAT, 0600);
      REQUIRE(file.ok());
      copy_ = std::move(file).value();
    }
  }
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;
  ~DaemonProcess() {
    if (pid_ > 0) kill();
    ::unlink(log_path().c_str());
    ::unlink(copy_path().c_str());
    if (own_directory_) ::rmdir(directory_.c_str());
  }

  void start(pid_t owner = ::getpid()) {
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    // As in PID 1's child, nothing of ours stays open in there.
    const int socket = channel_.second.get();
    os::close_from(3, {std::min(socket, copy_.get()), std::max(socket, copy_.get())});
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    audit::DaemonConfig config;
    config.socket = socket;
    config.state = state_;
    config.session = "test";
    config.log_path = log_path();
    config.copy = copy_.get();
    config.owner = owner;
    ::_exit(audit::run_auditd(config));
  }

  void kill() {
    ::kill(pid_, SIGKILL);
    wait();
  }

  /// Ends the session; the daemon's wait status.
  int finish() {
    REQUIRE(client().finish().ok());
    return wait();
  }

  int wait() {
    int status = -1;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    return status;
  }

  audit::Client client(const audit::Redactor* redactor = nullptr) const {
    return audit::Client(channel_.first.get(), state_, redactor);
  }
  int sending_end() const { return channel_.first.get(); }
  audit::SharedState& state() { return *state_; }
  pid_t pid() const { return pid_; }

  std::string log_path() const { return directory_ + "/events.log"; }
  std::string copy_path() const { return directory_ + "/copy.jsonl"; }
  std::string log() const { return read(log_path()); }
  std::string copy() const { return read(copy_path()); }

  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> parsed;
    std::string text = log();
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos;) {
      parsed.push_back(nlohmann::json::parse(text.substr(0, end)));
      text.erase(0, end + 1);
    }
    CHECK(text.empty());
    return parsed;
  }

 private:
  static std::string read(const std::string& path) {
    auto text = os::read_file(path, 1 << 28);
    return text.ok() ? text.value() : std::string();
  }

  std::string directory_;
  bool own_directory_;
  os::SocketPair channel_;
  os::Fd copy_;
  audit::SharedState* state_ = nullptr;
  pid_t pid_ = -1;
};

/// Waits until `condition` holds; the test fails after ten seconds.
template <class Condition>
void eventually(Condition condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL("did not happen within ten seconds");
}

}  // namespace test_support
