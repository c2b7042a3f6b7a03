// One of the CLI's standard streams in a channel: read at one end, written at the other, at the
// pace of whoever reads it there. Both keep what a lost connection may have lost.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "channel/frame.h"
#include "os/fd.h"
#include "os/loop.h"

namespace channel {

/// Gives a frame to whatever connection there is.
using Send = std::function<void(Type, std::uint32_t stream, std::string_view bytes)>;

/// So many bytes are on their way at most.
inline constexpr std::size_t kWindow = std::size_t{256} << 10;

/// Sends what can be read from a descriptor.
class Source {
 public:
  /// Nothing is read before connect(). `on_end`: everything has been read and passed on.
  Source(os::Loop& loop, std::uint32_t stream, os::Fd from, Send send,
         std::function<void()> on_end = {});
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// There is a peer, and it has passed on so many bytes of this stream in all: the rest is sent
  /// (again); with kUnknown, all that no peer is known to have. EPROTO: it cannot have.
  os::Status connect(std::uint64_t passed_on);
  void disconnect();
  /// The peer has passed on `bytes` more. EPROTO: it cannot have.
  os::Status credit(std::uint64_t bytes);
  /// Nobody reads there any more, so nobody does here: whoever writes gets SIGPIPE.
  void stop();

  bool ended() const { return ended_ && waiting_.empty(); }
  int descriptor() const { return from_.get(); }

 private:
  os::Status on_readable();
  os::Status read_once();
  void look();
  void send_end();

  os::Loop& loop_;
  std::uint32_t stream_;
  os::Fd from_;
  Send send_;
  std::function<void()> on_end_;
  std::uint64_t passed_on_ = 0;  // what the peer has written
  std::string waiting_;          // read and not passed on yet
  bool met_ = false;             // there has been a peer
  bool connected_ = false;
  bool watched_ = false;
  bool always_ready_ = false;  // a regular file
  os::Loop::Timer timer_ = 0;
  bool ended_ = false;
};

/// Writes what arrives to a descriptor.
class Sink {
 public:
  /// `on_end`: everything has been written and the descriptor closed.
  Sink(os::Loop& loop, std::uint32_t stream, os::Fd to, Send send,
       std::function<void()> on_end = {});
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  /// EPROTO: more than was allowed.
  os::Status data(std::string_view bytes);
  void end();
  /// For a new connection: how much has been written. The rest is forgotten and comes again.
  std::uint64_t restart();
  bool ended() const { return !to_.valid(); }

 private:
  os::Status on_writable();
  os::Status write_once();
  void close_if_done();
  void look();
  void discard();

  os::Loop& loop_;
  std::uint32_t stream_;
  os::Fd to_;
  Send send_;
  std::function<void()> on_end_;
  std::uint64_t received_ = 0;
  std::string waiting_;
  bool watched_ = false;
  bool always_ready_ = false;
  bool ending_ = false;
};

}  // namespace channel
