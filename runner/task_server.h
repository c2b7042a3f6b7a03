// Serves the explicit route: commands sent over the socket, and questions about the runner.
#pragma once

#include <map>
#include <string>

#include "os/socket.h"
#include "runner/context.h"
#include "runner/protocol.h"

namespace runner {

/// One thread's work. A connection carries one request; an idle one is closed after 5 s, so that no
/// client holds another up.
class TaskServer {
 public:
  explicit TaskServer(Context& context) : context_(context) {}

  /// Serves until `stop` becomes readable.
  os::Status run(int stop);

 private:
  struct Connection {
    os::Fd socket;
    os::Peer peer;
    std::chrono::steady_clock::time_point opened;
  };
  void accept_one();
  void read_one(int fd);
  void close_idle();
  Frame answer_to(const Connection& connection, const os::Message& message, os::Fd& passed);
  os::Result<Frame> start(const os::Peer& peer, Frame request, os::Fd& passed);
  os::Result<std::string> find_program(const Frame& request, const std::string& cwd) const;
  Frame jobs() const;
  Frame asks() const;

  Context& context_;
  os::Fd ready_;
  std::map<int, Connection> connections_;
};

}  // namespace runner
