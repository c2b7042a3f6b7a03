#include "channel/link.h"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace channel {
namespace {

constexpr std::size_t kChunk = std::size_t{64} << 10;

}  // namespace

Link::Link(os::Loop& loop, os::Fd in, os::Fd out, FrameReader reader, OnFrame on_frame,
           OnLost on_lost, OnIdle on_idle)
    : loop_(loop),
      in_fd_(std::move(in)),
      out_fd_(std::move(out)),
      reader_(std::move(reader)),
      on_frame_(std::move(on_frame)),
      on_lost_(std::move(on_lost)),
      on_idle_(std::move(on_idle)) {}

os::Result<std::unique_ptr<Link>> Link::start(os::Loop& loop, os::Fd in, os::Fd out,
                                              FrameReader reader, OnFrame on_frame, OnLost on_lost,
                                              OnIdle on_idle) {
  TRY(os::set_nonblocking(in.get()));
  TRY(os::set_nonblocking(out.get()));
  std::unique_ptr<Link> link(new Link(loop, std::move(in), std::move(out), std::move(reader),
                                      std::move(on_frame), std::move(on_lost), std::move(on_idle)));
  Link* self = link.get();
  TRY(loop.watch(self->in_fd_.get(), EPOLLIN, [self] { return self->on_readable(); }));
  return link;
}

Link::~Link() {
  loop_.forget(in_fd_.get());
  if (out_fd_.valid()) loop_.forget(out_fd_.get());
}

void Link::send(Type type, std::uint32_t stream, std::string_view bytes) {
  if (closing_) return;
  out_ += encode(type, stream, bytes);
  want_to_write(true);
}

void Link::close_out() {
  closing_ = true;
  if (out_.empty() && out_fd_.valid()) {
    want_to_write(false);
    out_fd_.reset();
  }
}

void Link::want_to_write(bool on) {
  if (on == writing_ || !out_fd_.valid()) return;
  writing_ = on;
  if (!on) return loop_.forget(out_fd_.get());
  static_cast<void>(loop_.watch(out_fd_.get(), EPOLLOUT, [this] { return on_writable(); }).ok());
}

// Nothing of this object may be used after it.
void Link::lose(const os::Error* error) {
  loop_.forget(in_fd_.get());
  want_to_write(false);
  const OnLost on_lost = std::move(on_lost_);
  if (on_lost) on_lost(*this, error);
}

os::Status Link::on_readable() {
  const auto bytes = os::read_some(in_fd_.get(), kChunk);
  if (!bytes.ok() && bytes.error().code == EAGAIN) return {};
  if (!bytes.ok() || bytes.value().empty()) {
    lose(nullptr);
    return {};
  }
  reader_.add(bytes.value());
  const os::Status taken = take_frames();
  if (!taken.ok()) lose(&taken.error());
  return {};
}

os::Status Link::take_frames() {
  for (;;) {
    auto frame = TRY(reader_.next());
    if (!frame) return {};
    TRY(on_frame_(*this, *frame));
  }
}

os::Status Link::on_writable() {
  const auto written = os::write_some(out_fd_.get(), out_);
  if (!written.ok()) {
    if (written.error().code == EAGAIN) return {};
    lose(nullptr);
    return {};
  }
  out_.erase(0, written.value());
  if (!out_.empty()) return {};
  want_to_write(false);
  if (closing_) out_fd_.reset();
  if (on_idle_) on_idle_();
  return {};
}

}  // namespace channel
