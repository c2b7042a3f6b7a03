#include "channel/host_end.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "channel/engine_client.h"
#include "channel/link.h"
#include "channel/stream.h"
#include "os/append_file.h"
#include "os/child.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/socket.h"
#include "os/terminal.h"
#include "os/text.h"

namespace channel {
namespace {

using os::Error;
using os::join;
using os::Status;

constexpr int kLost = 125;
constexpr int kMostTries = 5;
constexpr std::chrono::milliseconds kFirstPause{500};    // doubles: an engine may be starting anew
constexpr std::size_t kMostLog = std::size_t{32} << 10;  // of what the container says

class HostEnd {
 public:
  HostEnd(os::Loop& loop, HostEndPlan plan) : loop_(loop), plan_(std::move(plan)) {}

  Status start() {
    TRY(open_events());
    if (!plan_.state.terminal) TRY(open_streams());
    TRY(loop_.watch(plan_.listener.get(), EPOLLIN, [this] { return on_connection(); }));
    TRY(admit(std::move(plan_.front)));
    if (plan_.again) {
      begun_ = true;
      return connect_again();
    }
    runs_ = true;
    return start_engine(plan_.engine);
  }

 private:
  Status open_events() {
    if (plan_.state.events.empty()) return {};
    events_ = TRY(os::open_file(plan_.state.events, O_RDWR | O_APPEND | O_CREAT, 0600));
    os::AppendFile file = TRY(os::AppendFile::adopt(events_.get()));
    TRY_STEP(file.lock(), join("have '", plan_.state.events, "' alone"));
    if (plan_.again) {
      events_passed_ = file.size() - plan_.state.events_from;
      return {};
    }
    plan_.state.events_from = file.size();
    return write_state(plan_.dir, plan_.state);
  }

  Status open_streams() {
    const Send send = [this](Type type, std::uint32_t stream, std::string_view bytes) {
      if (link_) link_->send(type, stream, bytes);
    };
    const auto look = [this] { end_if_done(); };
    plan_.hello.no_input = os::is_null_device(0);
    if (!plan_.hello.no_input) {
      input_ = std::make_unique<Source>(loop_, 0, TRY(os::duplicate(0)), send);
    }
    output_ = std::make_unique<Sink>(loop_, 1, TRY(os::duplicate(1)), send, look);
    error_ = std::make_unique<Sink>(loop_, 2, TRY(os::duplicate(2)), send, look);
    const std::array<int, 2> taken{0, 1};
    return os::silence(taken);
  }

  Status start_engine(const std::vector<std::string>& words) {
    // Where the CLI has a terminal it is all that the user's terminal shows.
    EngineClient client =
        TRY(start_engine_client(words, plan_.state.terminal ? Errors::taken : Errors::ours));
    engine_ = std::move(client.process);
    TRY(loop_.watch(engine_.pidfd(), EPOLLIN, [this] { return on_engine_end(); }));
    if (client.errors.valid()) {
      errors_ = std::move(client.errors);
      TRY(loop_.watch(errors_.get(), EPOLLIN, [this] { return on_errors(); }));
    }
    auto link = Link::start(
        loop_, std::move(client.from), std::move(client.to), {},
        [this](Link&, const Frame& frame) { return on_frame(frame); },
        [this](Link&, const Error* error) { on_lost(error); });
    if (!link.ok()) return link.error();
    link_ = std::move(link).value();
    say_hello();
    return {};
  }

  void say_hello() {
    plan_.hello.key = plan_.state.key;
    plan_.hello.passed_events = events_passed_;
    plan_.hello.passed_output = passed(output_.get());
    plan_.hello.passed_error = passed(error_.get());
    link_->send(Type::hello, 0, encode(plan_.hello));
    if (begun_) return;
    for (auto& [name, value] : plan_.secrets) {
      std::string bytes = name;
      bytes += '\0';
      bytes += value;
      link_->send(Type::secret, 0, bytes);
      os::wipe(bytes);
      os::wipe(value);
    }
    link_->send(Type::begin);
  }

  std::uint64_t passed(Sink* sink) const {
    const std::uint64_t count = sink != nullptr ? sink->restart() : 0;
    return plan_.again ? kUnknown : count;
  }

  Status connect_again() {
    if (++tries_ > kMostTries) {
      give_up();
      return {};
    }
    if (tries_ == 1 || plan_.again) return connect();
    loop_.after(kFirstPause * (1 << (tries_ - 2)), [this] {
      if (Status started = connect(); !started.ok()) {
        complain(started.error().text());
        give_up();
      }
      return Status();
    });
    return {};
  }

  Status connect() {
    runs_ = false;
    return start_engine(engine_words(plan_.state, {"-i"}, "channel"));
  }

  Status on_frame(const Frame& frame) {
    Sink* sink = frame.stream == 1 ? output_.get() : error_.get();
    switch (frame.type) {
      case Type::ready:
        return on_ready(frame);
      case Type::events:
        return on_events(frame);
      case Type::exit:
        exit_ = static_cast<int>(frame.stream);
        if (link_) link_->close_out();
        return {};
      case Type::data:
        return sink != nullptr ? sink->data(frame.bytes) : Status();
      case Type::end:
        if (sink != nullptr) sink->end();
        return {};
      case Type::credit: {
        std::string_view rest = frame.bytes;
        const std::uint64_t bytes = TRY(take_number(rest, 4));
        return input_ ? input_->credit(bytes) : Status();
      }
      case Type::stop:
        if (input_) input_->stop();
        return {};
      case Type::hello:
      case Type::secret:
      case Type::begin:
      case Type::signal:
        break;
    }
    return Error{EPROTO, "read a channel's frame: of another type than may come"};
  }

  Status on_ready(const Frame& frame) {
    const Ready ready = TRY(decode_ready(frame));
    begun_ = true;
    tries_ = 0;
    for (const auto& [number, client] : clients_) tell(number, Note::ready, 0);
    return input_ ? input_->connect(ready.passed_input) : Status();
  }

  Status on_events(const Frame& frame) {
    std::string_view rest = frame.bytes;
    const std::uint64_t from = TRY(take_number(rest, 8));
    if (from != events_passed_)
      return Error{EPROTO, "follow the session's events: some are missing"};
    events_passed_ += rest.size();
    if (!events_.valid()) return {};
    const Status written = os::write_all(events_.get(), rest);
    if (!written.ok()) complain(join("--events: ", written.error().text()));
    return {};
  }

  // At once, or at the end where the terminal is the CLI's.
  void complain(const std::string& line) {
    if (plan_.state.terminal) {
      log_ += join("agent-session: ", line, '\n');
    } else {
      os::report(line);
    }
  }

  void on_lost(const Error* error) {
    if (error != nullptr) {
      complain(error->text());
      // The same would come again; the engine's client holds the container's stdin.
      tries_ = kMostTries;
      static_cast<void>(engine_.signal(SIGTERM).ok());
    }
    if (input_) input_->disconnect();
    link_.reset();
    end_if_done();
  }

  Status on_engine_end() {
    loop_.forget(engine_.pidfd());
    const os::ExitStatus status = TRY(engine_.wait());
    if (runs_ && !status.signalled) run_status_ = status.value;
    if (link_ && !exit_) return wait_for_rest();
    return after_engine();
  }

  // What it has written last may still be in the pipe.
  Status wait_for_rest() {
    loop_.after(std::chrono::milliseconds(200), [this] {
      link_.reset();
      return after_engine();
    });
    return {};
  }

  Status after_engine() {
    if (exit_) {
      end_if_done();
      return {};
    }
    if (input_) input_->disconnect();
    if (!begun_ || (run_status_ && !has_lost_engine())) {
      exit_ = run_status_.value_or(kLost);
      for (Sink* sink : {output_.get(), error_.get()}) {
        if (sink != nullptr) sink->end();
      }
      end_if_done();
      return {};
    }
    return connect_again();
  }

  // The client ends so when its engine does, and so does a container that failed.
  bool has_lost_engine() {
    if (run_status_ != kLost) return false;
    const auto exists = container_exists(plan_.state.engine, plan_.state.name);
    if (exists.ok() && !exists.value()) return false;
    run_status_.reset();
    return true;
  }

  void end_if_done() {
    if (!exit_ || engine_.running()) return;
    if (output_ && (!output_->ended() || !error_->ended())) return;
    remove_state(plan_.dir, plan_.state.name);
    finish(*exit_, log_);
  }

  // A session that may go on must be found again.
  void give_up() {
    const auto exists = container_exists(plan_.state.engine, plan_.state.name);
    const bool gone = exists.ok() && !exists.value();
    if (gone) remove_state(plan_.dir, plan_.state.name);
    const std::string session = join("session '", plan_.state.name, "'");
    finish(kLost,
           join(log_,
                gone ? join(session, " has ended, and nobody took its exit status")
                     : join("the connection to ", session, " is lost; `agent-session resume ",
                            plan_.state.name, "` tries again"),
                '\n'));
  }

  void finish(int status, std::string_view text) {
    for (const auto& [number, client] : clients_) tell(number, Note::ended, status, text);
    loop_.stop();
  }

  Status on_errors() {
    const auto bytes = os::read_some(errors_.get(), kMostLog);
    if (!bytes.ok() || bytes.value().empty()) {
      loop_.forget(errors_.get());
      errors_.reset();
      return {};
    }
    log_ += bytes.value();
    if (log_.size() > kMostLog) log_.erase(0, log_.size() - kMostLog);
    return {};
  }

  Status on_connection() {
    auto client = os::accept_unix(plan_.listener.get());
    if (!client.ok()) return {};  // it is gone already
    const int number = client.value().get();
    TRY(admit(std::move(client).value()));
    if (begun_) tell(number, Note::ready, 0);
    return {};
  }

  Status admit(os::Fd client) {
    const int number = client.get();
    TRY(loop_.watch(number, EPOLLIN, [this, number] { return on_client(number); }));
    clients_[number] = std::move(client);
    return {};
  }

  Status on_client(int number) {
    const auto message = os::receive_message(number, 256, MSG_DONTWAIT);
    NoteHeader header;
    if (!message.ok() || message.value().end || message.value().bytes.size() != sizeof header) {
      loop_.forget(number);
      clients_.erase(number);
      // Whoever typed is at the terminal's next program now.
      if (clients_.empty() && input_ && os::is_terminal(input_->descriptor())) input_->stop();
      return {};
    }
    std::memcpy(&header, message.value().bytes.data(), sizeof header);
    if (header.note == Note::signal && link_) {
      link_->send(Type::signal, static_cast<std::uint32_t>(header.value));
    }
    return {};
  }

  static void tell(int client, Note note, int value, std::string_view text = {}) {
    const NoteHeader header{note, value};
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes += text;
    static_cast<void>(os::send_message(client, bytes, {}, MSG_DONTWAIT).ok());
  }

  os::Loop& loop_;
  HostEndPlan plan_;
  os::Fd events_;
  std::uint64_t events_passed_ = 0;
  std::unique_ptr<Source> input_;
  std::unique_ptr<Sink> output_;
  std::unique_ptr<Sink> error_;
  std::unique_ptr<Link> link_;
  os::Child engine_;
  os::Fd errors_;
  std::string log_;
  std::map<int, os::Fd> clients_;
  bool begun_ = false;             // the container has been ready
  int tries_ = 0;                  // to connect again
  bool runs_ = false;              // the engine's client is the one that started the container
  std::optional<int> run_status_;  // of the client that started the container
  std::optional<int> exit_;
};

Status run(HostEndPlan plan) {
  os::Loop loop = TRY(os::Loop::make());
  const std::string dir = plan.dir;
  const std::string name = plan.state.name;
  const bool again = plan.again;
  HostEnd end(loop, std::move(plan));
  if (Status started = end.start(); !started.ok()) {
    if (!again) remove_state(dir, name);  // or a container that runs could not be reached any more
    return started;
  }
  return loop.run();
}

}  // namespace

std::vector<std::string> engine_words(const SessionState& state,
                                      const std::vector<std::string>& options,
                                      std::string_view verb) {
  std::vector<std::string> words{state.engine, "exec"};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {state.name, "/libexec/agent-init", std::string(verb)});
  return words;
}

int run_host_end(HostEndPlan plan) {
  const Status done = run(std::move(plan));
  if (!done.ok()) os::report(done.error().text());
  return done.ok() ? 0 : kLost;
}

}  // namespace channel
