#include "init/control_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "os/log.h"
#include "os/socket.h"
#include "os/text.h"

namespace init {
namespace {

using os::Error;
using os::Status;

constexpr std::size_t kMostConnections = 16;

Status send_record(int connection, const ControlRecord& record) {
  const std::string_view bytes(reinterpret_cast<const char*>(&record), sizeof record);
  return os::send_message(connection, bytes, {}, MSG_DONTWAIT);
}

os::Result<ControlVerb> verb_in(const os::Message& message) {
  ControlRequest request;
  if (message.bytes.size() != sizeof request) return Error{EPROTO, "read a control request"};
  std::memcpy(&request, message.bytes.data(), sizeof request);
  if (request.magic != kControlMagic || request.verb < ControlVerb::status ||
      request.verb > ControlVerb::channel) {
    return Error{EPROTO, "read a control request"};
  }
  if (request.version != kControlVersion) {
    return Error{EPROTO, os::join("a client speaks version ", request.version,
                                  " of the control protocol, this is version ", kControlVersion)};
  }
  return request.verb;
}

}  // namespace

os::Result<os::Fd> ControlServer::listen(const std::string& path) {
  return os::listen_unix(path, 0600, os::SocketType::seqpacket);
}

os::Result<std::unique_ptr<ControlServer>> ControlServer::start(os::Loop& loop, int socket,
                                                                Snapshot snapshot,
                                                                HandOver hand_over) {
  auto server =
      std::make_unique<ControlServer>(loop, socket, std::move(snapshot), std::move(hand_over));
  ControlServer* self = server.get();
  TRY(loop.watch(socket, EPOLLIN, [self] { return self->accept(); }));
  return server;
}

ControlServer::~ControlServer() {
  for (const auto& [number, connection] : connections_) loop_.forget(number);
  loop_.forget(socket_);
}

Status ControlServer::accept() {
  auto accepted = os::accept_unix(socket_);
  if (!accepted.ok()) {
    os::note(accepted.error().text());
    return {};  // one that is gone already must not end the server
  }
  os::Fd connection = std::move(accepted).value();
  const auto peer = os::peer_of(connection.get());
  if (!peer.ok() || peer.value().uid != 0 || connections_.size() == kMostConnections) return {};
  const int number = connection.get();
  TRY(loop_.watch(number, EPOLLIN, [this, number]() -> Status {
    const Status answered = answer(number);
    if (!answered.ok()) os::note(answered.error().text());
    drop(number);
    return {};
  }));
  connections_[number] = std::move(connection);
  return {};
}

Status ControlServer::answer(int connection) {
  os::Message message = TRY(os::receive_message(connection, 256, MSG_DONTWAIT));
  const ControlVerb verb = TRY(verb_in(message));
  if (verb != ControlVerb::status) {
    loop_.forget(connection);
    return hand_over_(verb, std::move(connections_[connection]), message.fds);
  }
  for (const ControlRecord& record : snapshot_()) TRY(send_record(connection, record));
  return send_record(connection, ControlRecord{});
}

void ControlServer::drop(int connection) {
  loop_.forget(connection);
  connections_.erase(connection);
}

}  // namespace init
