#include "channel/terminal_relay.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "channel/frame.h"

namespace channel {
namespace {

using os::Status;

constexpr std::size_t kChunk = kMostMessage - 1;
constexpr std::size_t kEnough = std::size_t{64} << 10;  // unread by who is attached
constexpr std::chrono::seconds kWaitForFirst{10};
constexpr std::chrono::seconds kWaitForLast{2};

Status tell(int client, char what, std::string_view bytes = {}) {
  return os::send_message(client, std::string(1, what).append(bytes), {}, MSG_DONTWAIT);
}

}  // namespace

TerminalRelay::TerminalRelay(os::Loop& loop, os::Fd master)
    : loop_(loop), master_(std::move(master)) {}

TerminalRelay::~TerminalRelay() {
  watch(master_watch_, -1, 0, {});
  watch(client_watch_, -1, 0, {});
}

Status TerminalRelay::start() {
  TRY(os::set_nonblocking(master_.get()));
  look();
  return {};
}

// Makes what the loop watches what is wanted.
void TerminalRelay::watch(Watched& watched, int fd, std::uint32_t events,
                          os::Loop::Handler handler) {
  if (watched.fd == fd && watched.events == events) return;
  if (watched.events != 0) loop_.forget(watched.fd);
  watched = {fd, events};
  if (events == 0) return;
  if (!loop_.watch(fd, events, std::move(handler)).ok()) watched.events = 0;
}

void TerminalRelay::look() {
  const bool room = output_.size() < kEnough || !client_.valid();
  const std::uint32_t master_events = (room ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                                      (input_.empty() ? 0U : static_cast<std::uint32_t>(EPOLLOUT));
  watch(master_watch_, master_.get(), master_.valid() ? master_events : 0,
        [this] { return on_master(master_watch_.events); });
  const std::uint32_t client_events = (input_.empty() ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                                      (output_.empty() ? 0U : static_cast<std::uint32_t>(EPOLLOUT));
  watch(client_watch_, client_.get(), client_.valid() ? client_events : 0,
        [this] { return on_client(); });
}

Status TerminalRelay::on_master(std::uint32_t events) {
  if ((events & EPOLLIN) != 0) TRY(read_master());
  flush_input();
  flush_output();
  look();
  end_if_done();
  return {};
}

Status TerminalRelay::read_master() {
  const auto bytes = os::read_some(master_.get(), kChunk);
  if (bytes.ok()) {
    output_ += bytes.value();
    if (!client_.valid() && output_.size() > kMostKept) {
      output_.erase(0, output_.size() - kMostKept);
    }
    return {};
  }
  if (bytes.error().code == EAGAIN) return {};
  watch(master_watch_, -1, 0, {});  // EIO: nobody has the other side any more
  master_.reset();
  return {};
}

Status TerminalRelay::on_client() {
  auto message = os::receive_message(client_.get(), kMostMessage, MSG_DONTWAIT);
  if (message.ok()) {
    if (message.value().end || !take(message.value()).ok()) detach();
  } else if (message.error().code != EAGAIN) {
    detach();
  }
  flush_output();
  look();
  end_if_done();
  return {};
}

Status TerminalRelay::take(const os::Message& message) {
  if (message.bytes.empty()) return os::Error{EPROTO, "read what is typed"};
  std::string_view rest = std::string_view(message.bytes).substr(1);
  if (message.bytes.front() == kSize) {
    os::WindowSize size;
    size.rows = static_cast<std::uint16_t>(TRY(take_number(rest, 2)));
    size.columns = static_cast<std::uint16_t>(TRY(take_number(rest, 2)));
    resize(size);
    return {};
  }
  if (message.bytes.front() != kTyped) return os::Error{EPROTO, "read what is typed"};
  input_ += rest;
  flush_input();
  return {};
}

// Who comes back sees a screen that the CLI has to draw again, which a program does when its size
// changes.
void TerminalRelay::resize(os::WindowSize size) {
  if (!master_.valid()) return;
  const auto now = os::window_size(master_.get());
  if (fresh_ && now.ok() && now.value() == size) {
    os::WindowSize other = size;
    ++other.rows;
    static_cast<void>(os::set_window_size(master_.get(), other).ok());
  }
  fresh_ = false;
  static_cast<void>(os::set_window_size(master_.get(), size).ok());
}

void TerminalRelay::flush_input() {
  if (!master_.valid()) input_.clear();
  if (input_.empty()) return;
  const auto written = os::write_some(master_.get(), input_);
  if (written.ok()) input_.erase(0, written.value());
}

void TerminalRelay::flush_output() {
  while (client_.valid() && !output_.empty()) {
    const std::size_t size = std::min(kChunk, output_.size());
    const Status sent = tell(client_.get(), kOutput, std::string_view(output_).substr(0, size));
    if (!sent.ok() && sent.error().code == EAGAIN) return;
    if (!sent.ok()) return detach();
    output_.erase(0, size);
  }
}

void TerminalRelay::attach(os::Fd client) {
  if (client_.valid()) static_cast<void>(tell(client_.get(), kReplaced).ok());
  detach();
  client_ = std::move(client);
  fresh_ = was_attached_;
  was_attached_ = true;
  flush_output();
  look();
  end_if_done();
}

void TerminalRelay::detach() {
  watch(client_watch_, -1, 0, {});
  client_.reset();
}

void TerminalRelay::finish(std::function<void()> done) {
  done_ = std::move(done);
  while (master_.valid()) {
    const std::size_t before = output_.size();
    if (!read_master().ok() || output_.size() == before) break;
  }
  watch(master_watch_, -1, 0, {});
  master_.reset();
  flush_output();
  look();
  loop_.after(was_attached_ ? kWaitForLast : kWaitForFirst, [this]() -> Status {
    if (const auto call = std::exchange(done_, {})) call();
    return {};
  });
  end_if_done();
}

// The CLI is gone, and whoever is attached has seen all of it and gone, too.
void TerminalRelay::end_if_done() {
  if (!done_ || master_.valid()) return;
  if (client_.valid() && output_.empty() && !told_end_) {
    told_end_ = tell(client_.get(), kEnded).ok();
  }
  if (client_.valid() || !was_attached_) return;
  const auto call = std::exchange(done_, {});
  call();
}

}  // namespace channel
