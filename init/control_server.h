// PID 1's end of the control socket.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "init/control_protocol.h"
#include "os/fd.h"
#include "os/loop.h"
#include "os/result.h"

namespace init {

/// Answers one request a connection, from uid 0 only. A client that is slow, or wrong, loses its
/// connection and nothing else.
class ControlServer {
 public:
  /// Asked for at each request.
  using Snapshot = std::function<std::vector<ControlRecord>()>;
  /// Takes over a connection that asked for something else than the status, and what came along.
  using HandOver =
      std::function<os::Status(ControlVerb, os::Fd connection, const std::vector<os::Fd>&)>;

  /// Listens at `path` (root 0600).
  static os::Result<os::Fd> listen(const std::string& path);

  /// Serves a listening socket from `loop`; both outlive the server.
  static os::Result<std::unique_ptr<ControlServer>> start(os::Loop& loop, int socket,
                                                          Snapshot snapshot, HandOver hand_over);

  ControlServer(os::Loop& loop, int socket, Snapshot snapshot, HandOver hand_over)
      : loop_(loop),
        socket_(socket),
        snapshot_(std::move(snapshot)),
        hand_over_(std::move(hand_over)) {}
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

 private:
  os::Status accept();
  os::Status answer(int connection);
  void drop(int connection);

  os::Loop& loop_;
  int socket_;
  Snapshot snapshot_;
  HandOver hand_over_;
  std::map<int, os::Fd> connections_;
};

}  // namespace init
