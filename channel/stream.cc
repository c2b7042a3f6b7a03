#include "channel/stream.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace channel {
namespace {

using os::Status;

constexpr std::size_t kChunk = std::size_t{64} << 10;
// A pipe that can be written to at all takes so many bytes without a wait (PIPE_BUF): the
// descriptor may be shared with others, who do not expect it to be non-blocking.
constexpr std::size_t kPiece = 4096;

os::Error impossible() { return {EPROTO, "follow a channel's stream: its peer has lost count"}; }

}  // namespace

Source::Source(os::Loop& loop, std::uint32_t stream, os::Fd from, Send send,
               std::function<void()> on_end)
    : loop_(loop),
      stream_(stream),
      from_(std::move(from)),
      send_(std::move(send)),
      on_end_(std::move(on_end)) {}

Source::~Source() { disconnect(); }

Status Source::connect(std::uint64_t passed_on) {
  if (!met_) passed_on_ = passed_on == kUnknown ? 0 : passed_on;
  met_ = true;
  if (from_.valid() && passed_on != kUnknown) {
    if (passed_on < passed_on_ || passed_on - passed_on_ > waiting_.size()) return impossible();
    waiting_.erase(0, passed_on - passed_on_);
    passed_on_ = passed_on;
  }
  connected_ = true;
  for (std::size_t at = 0; at < waiting_.size(); at += kChunk) {
    send_(Type::data, stream_, std::string_view(waiting_).substr(at, kChunk));
  }
  if (ended_) send_(Type::end, stream_, {});
  look();
  return {};
}

void Source::disconnect() {
  connected_ = false;
  look();
}

Status Source::credit(std::uint64_t bytes) {
  if (!from_.valid()) return {};  // stopped
  if (bytes > waiting_.size()) return impossible();
  waiting_.erase(0, bytes);
  passed_on_ += bytes;
  if (ended() && on_end_) on_end_();
  look();
  return {};
}

void Source::stop() {
  waiting_.clear();
  ended_ = true;
  look();
  from_.reset();
  if (on_end_) on_end_();
}

// Watches the descriptor while something may be read.
void Source::look() {
  const bool wanted = connected_ && !ended_ && waiting_.size() < kWindow;
  if (wanted == watched_) return;
  watched_ = wanted;
  if (!wanted) {
    if (always_ready_) return loop_.cancel(timer_);
    return loop_.forget(from_.get());
  }
  if (!always_ready_) {
    const Status done = loop_.watch(from_.get(), EPOLLIN, [this] { return on_readable(); });
    always_ready_ = !done.ok() && done.error().code == EPERM;
  }
  if (always_ready_) {
    timer_ = loop_.after(std::chrono::milliseconds(0), [this] { return on_readable(); });
  }
}

Status Source::on_readable() {
  if (always_ready_) watched_ = false;  // a timer is for once
  TRY(read_once());
  look();
  return {};
}

Status Source::read_once() {
  const auto bytes = os::read_some(from_.get(), std::min(kChunk, kWindow - waiting_.size()));
  if (!bytes.ok() && bytes.error().code == EAGAIN) return {};
  // A terminal whose other side has hung up is EIO.
  if (!bytes.ok() || bytes.value().empty()) {
    ended_ = true;
    send_(Type::end, stream_, {});
    if (waiting_.empty() && on_end_) on_end_();
    return {};
  }
  waiting_ += bytes.value();
  send_(Type::data, stream_, bytes.value());
  return {};
}

Sink::Sink(os::Loop& loop, std::uint32_t stream, os::Fd to, Send send, std::function<void()> on_end)
    : loop_(loop),
      stream_(stream),
      to_(std::move(to)),
      send_(std::move(send)),
      on_end_(std::move(on_end)) {}

Sink::~Sink() {
  if (watched_) loop_.forget(to_.get());
}

Status Sink::data(std::string_view bytes) {
  if (waiting_.size() + bytes.size() > kWindow) return impossible();
  received_ += bytes.size();
  if (!to_.valid()) {  // it has been told
    std::string credit;
    put_number(credit, bytes.size(), 4);
    send_(Type::credit, stream_, credit);
    return {};
  }
  waiting_ += bytes;
  look();
  return {};
}

std::uint64_t Sink::restart() {
  received_ -= waiting_.size();
  waiting_.clear();
  look();
  return received_;
}

void Sink::end() {
  ending_ = true;
  look();
}

void Sink::close_if_done() {
  if (!waiting_.empty() || !ending_ || !to_.valid()) return;
  if (watched_) loop_.forget(to_.get());
  watched_ = false;
  to_.reset();
  if (on_end_) on_end_();
}

// Watches the descriptor while something is to be written.
void Sink::look() {
  close_if_done();
  const bool wanted = !waiting_.empty() && to_.valid();
  if (wanted == watched_) return;
  watched_ = wanted;
  if (!wanted) return loop_.forget(to_.get());
  if (!always_ready_) {
    const Status done = loop_.watch(to_.get(), EPOLLOUT, [this] { return on_writable(); });
    always_ready_ = !done.ok() && done.error().code == EPERM;
  }
  if (!always_ready_) return;
  watched_ = false;
  while (!waiting_.empty()) {
    if (!write_once().ok()) return discard();
  }
  close_if_done();
}

Status Sink::on_writable() {
  if (const Status done = write_once(); !done.ok()) {
    discard();
    return {};
  }
  look();
  return {};
}

Status Sink::write_once() {
  const auto written = os::write_some(to_.get(), std::string_view(waiting_).substr(0, kPiece));
  if (!written.ok()) {
    if (written.error().code == EAGAIN) return {};
    return written.error();
  }
  waiting_.erase(0, written.value());
  std::string credit;
  put_number(credit, written.value(), 4);
  send_(Type::credit, stream_, credit);
  return {};
}

// Nobody reads: the other end hears of it, so that whoever writes there gets SIGPIPE.
void Sink::discard() {
  std::string credit;
  put_number(credit, waiting_.size(), 4);
  waiting_.clear();
  send_(Type::credit, stream_, credit);
  send_(Type::stop, stream_, {});
  if (watched_) loop_.forget(to_.get());
  watched_ = false;
  to_.reset();
  if (on_end_) on_end_();
}

}  // namespace channel
