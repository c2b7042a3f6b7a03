// One connection of a channel: frames over two descriptors, from an event loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "channel/frame.h"
#include "os/fd.h"
#include "os/loop.h"

namespace channel {

class Link {
 public:
  /// An error ends the connection.
  using OnFrame = std::function<os::Status(Link&, const Frame&)>;
  /// Once, and the last that is called: the peer is gone, or what it sent is not to be understood
  /// (then it is an error with a text). The link may be destroyed in it.
  using OnLost = std::function<void(Link&, const os::Error*)>;
  /// When everything has been sent.
  using OnIdle = std::function<void()>;

  /// Watches `in`, with what was read of it before in `reader`.
  static os::Result<std::unique_ptr<Link>> start(os::Loop& loop, os::Fd in, os::Fd out,
                                                 FrameReader reader, OnFrame on_frame,
                                                 OnLost on_lost, OnIdle on_idle = {});
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Queues a frame. What streams send is bounded by their credit.
  void send(Type type, std::uint32_t stream = 0, std::string_view bytes = {});
  bool idle() const { return out_.empty(); }
  /// Tells the peer that nothing more comes.
  void close_out();

 private:
  Link(os::Loop& loop, os::Fd in, os::Fd out, FrameReader reader, OnFrame on_frame, OnLost on_lost,
       OnIdle on_idle);
  os::Status on_readable();
  os::Status take_frames();
  os::Status on_writable();
  void want_to_write(bool on);
  void lose(const os::Error* error);

  os::Loop& loop_;
  os::Fd in_fd_;
  os::Fd out_fd_;
  FrameReader reader_;
  OnFrame on_frame_;
  OnLost on_lost_;
  OnIdle on_idle_;
  std::string out_;
  bool writing_ = false;
  bool closing_ = false;
};

}  // namespace channel
