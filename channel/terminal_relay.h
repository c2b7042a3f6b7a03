// The CLI's terminal in a container, for whoever is attached to it. The CLI's side is a pty that
// stays open: detaching, coming back and a lost connection do not touch the CLI.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "os/fd.h"
#include "os/loop.h"
#include "os/socket.h"
#include "os/terminal.h"

namespace channel {

/// Messages between the relay and `agent-init attach`: the first byte tells what the rest is.
inline constexpr char kTyped = 'i';     // to the relay: bytes
inline constexpr char kSize = 'w';      // to the relay: u16 rows, u16 columns
inline constexpr char kOutput = 'o';    // from it: bytes
inline constexpr char kEnded = 'e';     // from it: the CLI has ended
inline constexpr char kReplaced = 'r';  // from it: somebody else is attached now
inline constexpr std::size_t kMostMessage = 8192;

/// A key that few programs use; twice it is once the CLI's.
inline constexpr char kDetachPrefix = 0x1e;  // ctrl-^
inline constexpr char kDetachKey = 'd';

/// Exit codes of `agent-init attach`.
inline constexpr int kAttachEnded = 0;     // the CLI has ended
inline constexpr int kAttachReplaced = 3;  // somebody else is attached now
inline constexpr int kAttachLeft = 4;      // our terminal has gone, or a signal asked us to go
inline constexpr int kAttachDetached = 5;  // the user has typed kDetachPrefix and kDetachKey
inline constexpr int kAttachFailed = 125;  // there is no such terminal

class TerminalRelay {
 public:
  /// What is written while nobody is attached is kept for the next one, the last of it.
  static constexpr std::size_t kMostKept = std::size_t{256} << 10;

  TerminalRelay(os::Loop& loop, os::Fd master);
  ~TerminalRelay();
  TerminalRelay(const TerminalRelay&) = delete;
  TerminalRelay& operator=(const TerminalRelay&) = delete;

  os::Status start();
  /// A connected SEQPACKET socket; whoever was attached before is told and let go.
  void attach(os::Fd client);
  /// The CLI has ended: `done` is called when whoever is attached has all output. Where nobody ever
  /// was, somebody is waited for, for a while.
  void finish(std::function<void()> done);

 private:
  os::Status on_master(std::uint32_t events);
  os::Status on_client();
  os::Status read_master();
  void flush_output();
  void flush_input();
  os::Status take(const os::Message& message);
  void resize(os::WindowSize size);
  void detach();
  void look();
  void end_if_done();

  struct Watched {
    int fd = -1;
    std::uint32_t events = 0;
  };
  void watch(Watched& watched, int fd, std::uint32_t events, os::Loop::Handler handler);

  os::Loop& loop_;
  os::Fd master_;
  os::Fd client_;
  Watched master_watch_;
  Watched client_watch_;
  std::string output_;  // from the CLI, not seen by anybody yet
  std::string input_;   // typed, not taken by the pty yet
  bool fresh_ = false;  // attached, and the size has not come yet
  bool was_attached_ = false;
  bool told_end_ = false;
  std::function<void()> done_;
};

}  // namespace channel
