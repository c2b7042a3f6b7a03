#include "channel/container_end.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "channel/link.h"
#include "channel/stream.h"
#include "channel/terminal_relay.h"
#include "os/log.h"
#include "os/lookup.h"
#include "os/loop.h"
#include "os/socket.h"

namespace channel {
namespace {

using os::Error;
using os::Status;

constexpr std::size_t kEventsAtOnce = std::size_t{256} << 10;
constexpr std::chrono::seconds kWaitForPeer{30};  // at the end, if the host's end is gone
constexpr std::chrono::seconds kWaitForClose{2};  // of the host's end, which has the exit status

// Takes as long for a wrong key as for the right one.
bool same(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned difference = 0;
  for (std::size_t at = 0; at < one.size(); ++at) {
    difference |= static_cast<unsigned>(one[at] ^ other[at]);
  }
  return difference == 0;
}

class Relay {
 public:
  Relay(os::Loop& loop, ContainerEnd end) : loop_(loop), end_(std::move(end)) {
    const Send send = [this](Type type, std::uint32_t stream, std::string_view bytes) {
      if (link_) link_->send(type, stream, bytes);
    };
    const auto look = [this] { end_if_done(); };
    if (end_.terminal.valid()) {
      terminal_.emplace(loop_, std::move(end_.terminal));
      return;
    }
    if (end_.input.valid()) input_.emplace(loop_, 0, std::move(end_.input), send);
    output_.emplace(loop_, 1, std::move(end_.output), send, look);
    error_.emplace(loop_, 2, std::move(end_.error), send, look);
  }

  Status start() {
    TRY(loop_.watch(end_.control.get(), EPOLLIN, [this] { return on_control(); }));
    TRY(loop_.watch(end_.notices.descriptor(), EPOLLIN, [this] { return on_notice(); }));
    if (terminal_) TRY(terminal_->start());
    auto link = make_link(std::move(end_.in), std::move(end_.out), std::move(end_.first));
    if (!link.ok()) return link.error();
    link_ = std::move(link).value();
    return connect(Hello{});
  }

 private:
  os::Result<std::unique_ptr<Link>> make_link(os::Fd in, os::Fd out, FrameReader first = {}) {
    return Link::start(
        loop_, std::move(in), std::move(out), std::move(first),
        [this](Link& link, const Frame& frame) { return on_frame(link, frame); },
        [this](Link& link, const Error* error) { on_lost(link, error); },
        [this] {
          send_events();
          end_if_done();
        });
  }

  // Where a new connection goes on.
  Status connect(const Hello& hello) {
    Ready ready;
    if (input_) ready.passed_input = input_->restart();
    link_->send(Type::ready, 0, encode(ready));
    if (output_) TRY(output_->connect(hello.passed_output));
    if (error_) TRY(error_->connect(hello.passed_error));
    events_sent_ = hello.passed_events;
    send_events();
    end_if_done();
    return {};
  }

  Status on_frame(Link& link, const Frame& frame) {
    if (&link == candidate_.get()) return admit(frame);
    switch (frame.type) {
      case Type::signal:
        tell_init(Word::signal, static_cast<std::int32_t>(frame.stream));
        return {};
      case Type::data:
        return input_ ? input_->data(frame.bytes) : Status();
      case Type::end:
        if (input_) input_->end();
        return {};
      case Type::credit:
        return on_credit(frame);
      case Type::stop:
        if (Source* source = source_of(frame.stream)) source->stop();
        return {};
      case Type::hello:
      case Type::secret:
      case Type::begin:
      case Type::ready:
      case Type::events:
      case Type::exit:
        break;
    }
    return Error{EPROTO, "read a channel's frame: of another type than may come now"};
  }

  // A new connection takes the place of the old one once it has shown the key.
  Status admit(const Frame& frame) {
    const Hello hello = TRY(decode_hello(frame));
    if (!same(hello.key, end_.key)) {
      return Error{EACCES, "take a new connection: it does not know this session's key"};
    }
    link_ = std::move(candidate_);
    holder_ = std::move(candidate_holder_);
    return connect(hello);
  }

  Status on_credit(const Frame& frame) {
    std::string_view rest = frame.bytes;
    const std::uint64_t bytes = TRY(take_number(rest, 4));
    Source* source = source_of(frame.stream);
    return source != nullptr ? source->credit(bytes) : Status();
  }

  Source* source_of(std::uint32_t stream) {
    if (stream == 1 && output_) return &*output_;
    if (stream == 2 && error_) return &*error_;
    return nullptr;
  }

  void on_lost(Link& link, const Error* error) {
    if (error != nullptr) os::report(error->text());
    if (&link == candidate_.get()) {
      candidate_.reset();
      candidate_holder_.reset();
      return;
    }
    link_.reset();
    holder_.reset();
    if (exit_sent_) return loop_.stop();
    for (Source* source : {source_of(1), source_of(2)}) {
      if (source != nullptr) source->disconnect();
    }
    if (ending_) wait_for_peer();
  }

  Status on_notice() {
    static_cast<void>(TRY(end_.notices.read()));
    send_events();
    return {};
  }

  Status on_control() {
    auto received = os::receive_message(end_.control.get(), 256);
    if (!received.ok() || received.value().end) {
      loop_.stop();  // PID 1 is gone
      return {};
    }
    os::Message message = std::move(received).value();
    Message word;
    if (message.bytes.size() != sizeof word) return {};
    std::memcpy(&word, message.bytes.data(), sizeof word);
    if (word.word == Word::peer && message.fds.size() == 3) {
      auto link = make_link(std::move(message.fds[0]), std::move(message.fds[1]));
      if (link.ok()) candidate_ = std::move(link).value();
      candidate_holder_ = std::move(message.fds[2]);
    }
    // A session without a terminal closes the connection, which tells.
    if (word.word == Word::attach && message.fds.size() == 1 && terminal_) {
      terminal_->attach(std::move(message.fds.front()));
    }
    if (word.word == Word::ending) begin_to_end(word.value);
    return {};
  }

  void begin_to_end(int status) {
    ending_ = status;
    if (terminal_) {
      terminal_->finish([this] {
        terminal_done_ = true;
        end_if_done();
      });
    }
    send_events();
    if (!link_) wait_for_peer();
    end_if_done();
  }

  void wait_for_peer() {
    loop_.after(kWaitForPeer, [this]() -> Status {
      if (!link_) loop_.stop();
      return {};
    });
  }

  void end_if_done() {
    if (!ending_ || !link_ || exit_sent_ || !events_done_ || !link_->idle()) return;
    if (terminal_ ? !terminal_done_ : !output_->ended() || !error_->ended()) return;
    exit_sent_ = true;
    link_->send(Type::exit, static_cast<std::uint32_t>(*ending_));
    link_->close_out();
    loop_.after(kWaitForClose, [this]() -> Status {
      loop_.stop();
      return {};
    });
  }

  // Dropped if PID 1 is busy with hundreds of them.
  void tell_init(Word word, std::int32_t value) {
    const Message message{word, value};
    static_cast<void>(os::send_message(end_.control.get(),
                                       {reinterpret_cast<const char*>(&message), sizeof message},
                                       {}, MSG_DONTWAIT)
                          .ok());
  }

  // Whole lines; more when these are on their way.
  void send_events() {
    if (!link_ || !link_->idle()) return;
    auto read = os::read_at(end_.log.get(), kEventsAtOnce, static_cast<off_t>(events_sent_));
    if (!read.ok()) return os::report(read.error().text());
    const std::size_t end = read.value().rfind('\n');
    events_done_ = end == std::string::npos;
    if (events_done_) return;
    std::string bytes;
    put_number(bytes, events_sent_, 8);
    bytes.append(read.value(), 0, end + 1);
    events_sent_ += end + 1;
    link_->send(Type::events, 0, bytes);
  }

  os::Loop& loop_;
  ContainerEnd end_;
  std::optional<TerminalRelay> terminal_;
  std::optional<Sink> input_;
  std::optional<Source> output_;
  std::optional<Source> error_;
  std::unique_ptr<Link> link_;
  os::Fd holder_;                    // ends the process that brought the connection
  std::unique_ptr<Link> candidate_;  // has not shown the key yet
  os::Fd candidate_holder_;
  std::uint64_t events_sent_ = 0;
  bool events_done_ = false;
  std::optional<int> ending_;
  bool terminal_done_ = false;
  bool exit_sent_ = false;
};

Status run(ContainerEnd end) {
  os::Loop loop = TRY(os::Loop::make());
  Relay relay(loop, std::move(end));
  TRY(relay.start());
  return loop.run();
}

}  // namespace

int run_container_end(ContainerEnd end) {
  const Status done = run(std::move(end));
  if (!done.ok()) os::report(done.error().text());
  return done.ok() ? 0 : 1;
}

}  // namespace channel
