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

  /// Listens at `path` (root 0600) and serves from `loop`, which outlives the server.
  static os::Result<std::unique_ptr<ControlServer>> start(os::Loop& loop, const std::string& path,
                                                          Snapshot snapshot);

  ControlServer(os::Loop& loop, os::Fd socket, Snapshot snapshot)
      : loop_(loop), socket_(std::move(socket)), snapshot_(std::move(snapshot)) {}
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

 private:
  os::Status accept();
  os::Status answer(int connection);
  void drop(int connection);

  os::Loop& loop_;
  os::Fd socket_;
  Snapshot snapshot_;
  std::map<int, os::Fd> connections_;
};

}  // namespace init
