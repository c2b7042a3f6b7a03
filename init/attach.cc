#include "init/attach.h"

#include <sys/epoll.h>

#include <array>
#include <charconv>
#include <csignal>
#include <span>

#include "channel/frame.h"
#include "channel/terminal_relay.h"
#include "init/control_protocol.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/signals.h"
#include "os/socket.h"
#include "os/terminal.h"

namespace init {
namespace {

using channel::kAttachEnded;
using channel::kAttachFailed;
using channel::kAttachLeft;
using channel::kAttachReplaced;
using os::Status;

constexpr std::size_t kTypedAtOnce = 4096;
constexpr os::WindowSize kNone{0, 0};

// `text` is "ROWSxCOLUMNS".
os::WindowSize size_from(std::string_view text) {
  os::WindowSize size;
  const char* end = text.data() + text.size();
  const auto rows = std::from_chars(text.data(), end, size.rows);
  if (rows.ec != std::errc() || rows.ptr == end || *rows.ptr != 'x') return kNone;
  const auto columns = std::from_chars(rows.ptr + 1, end, size.columns);
  return columns.ec == std::errc() && columns.ptr == end ? size : kNone;
}

os::Result<os::Fd> ask(ControlVerb verb, std::span<const int> fds) {
  os::Fd socket = TRY(os::connect_unix(kControlSocket, os::SocketType::seqpacket));
  ControlRequest request;
  request.verb = verb;
  TRY(os::send_message(socket.get(), {reinterpret_cast<const char*>(&request), sizeof request},
                       fds));
  return socket;
}

class Client {
 public:
  Client(os::Loop& loop, int socket, os::WindowSize at_first)
      : loop_(loop), socket_(socket), at_first_(at_first) {}

  os::Result<int> run() {
    const os::Fd signals = TRY(os::signal_descriptor());
    TRY(tell_size());
    TRY(loop_.watch(socket_, EPOLLIN, [this] { return on_message(); }));
    TRY(loop_.watch(0, EPOLLIN, [this] { return on_typed(); }));
    TRY(loop_.watch(signals.get(), EPOLLIN, [&] { return on_signal(signals.get()); }));
    TRY(loop_.run());
    return result_;
  }

 private:
  Status end(int result) {
    result_ = result;
    loop_.stop();
    return {};
  }

  Status on_message() {
    const auto message = os::receive_message(socket_, channel::kMostMessage);
    if (!message.ok() || message.value().end || message.value().bytes.empty()) {
      return end(kAttachFailed);
    }
    const std::string& bytes = message.value().bytes;
    if (bytes.front() == channel::kEnded) return end(kAttachEnded);
    if (bytes.front() == channel::kReplaced) return end(kAttachReplaced);
    const Status shown = os::write_all(1, std::string_view(bytes).substr(1));
    return shown.ok() ? Status() : end(kAttachLeft);
  }

  Status on_typed() {
    const auto typed = os::read_some(0, kTypedAtOnce);
    if (!typed.ok() || typed.value().empty()) return end(kAttachLeft);
    const std::string passed = without_escapes(typed.value());
    if (detached_) return end(channel::kAttachDetached);
    if (passed.empty()) return {};
    const Status sent = os::send_message(socket_, std::string(1, channel::kTyped) + passed);
    return sent.ok() ? Status() : end(kAttachFailed);
  }

  std::string without_escapes(std::string_view typed) {
    std::string passed;
    for (const char key : typed) {
      if (!escaped_) {
        escaped_ = key == channel::kDetachPrefix;
        if (!escaped_) passed += key;
        continue;
      }
      escaped_ = false;
      detached_ = detached_ || key == channel::kDetachKey;
      if (key != channel::kDetachPrefix) passed += channel::kDetachPrefix;
      passed += key;
    }
    return passed;
  }

  Status tell_size() const {
    const auto own = os::window_size(0);
    if (!own.ok()) return {};
    const os::WindowSize size = own.value() == kNone ? at_first_ : own.value();
    std::string bytes(1, channel::kSize);
    channel::put_number(bytes, size.rows, 2);
    channel::put_number(bytes, size.columns, 2);
    return os::send_message(socket_, bytes);
  }

  Status on_signal(int signals) {
    for (auto next = os::next_signal(signals); next.ok(); next = os::next_signal(signals)) {
      const int number = next.value().number;
      if (number == SIGWINCH) TRY(tell_size());
      if (number == SIGTERM || number == SIGHUP || number == SIGINT) return end(kAttachLeft);
    }
    return {};
  }

  os::Loop& loop_;
  int socket_;
  os::WindowSize at_first_;
  bool escaped_ = false;
  bool detached_ = false;
  int result_ = kAttachFailed;
};

os::Result<int> attach(std::string_view size) {
  const os::Fd socket = TRY(ask(ControlVerb::attach, {}));
  os::Loop loop = TRY(os::Loop::make());
  const os::RawMode raw = TRY(os::RawMode::enter(0));
  return Client(loop, socket.get(), size_from(size)).run();
}

os::Result<int> wait_for_channel() {
  const std::array<int, 2> ends{0, 1};
  const os::Fd socket = TRY(ask(ControlVerb::channel, ends));
  os::wait_readable(socket.get());
  return 0;
}

int report_of(const char* name, const os::Result<int>& result) {
  os::set_log_name(name);
  if (result.ok()) return result.value();
  os::report(result.error().text());
  return kAttachFailed;
}

}  // namespace

int attach_command(std::string_view size) { return report_of("attach", attach(size)); }

int channel_command() { return report_of("channel", wait_for_channel()); }

}  // namespace init
