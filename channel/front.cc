#include "channel/front.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "channel/engine_client.h"
#include "channel/host_end.h"
#include "channel/terminal_relay.h"
#include "os/child.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/signals.h"
#include "os/socket.h"
#include "os/terminal.h"
#include "os/text.h"

namespace channel {
namespace {

using os::Status;

constexpr int kLost = 125;
constexpr std::size_t kMostNote = std::size_t{64} << 10;
// Detaching is agent-init's, since the engine's own leaves our process in the container attached.
// Its keys are moved out of the way: while it waits for the second one, the first does not pass.
constexpr char kEngineDetachKeys[] = "--detach-keys=ctrl-^,ctrl-^,ctrl-^,ctrl-^,ctrl-^";
// From the end of the terminal's client to the word that the session has ended as well.
constexpr std::chrono::milliseconds kForWord{1500};

class Front {
 public:
  Front(const SessionState& state, os::Loop& loop, os::Fd host_end)
      : state_(state), loop_(loop), host_end_(std::move(host_end)) {}

  os::Result<int> run() {
    const os::Fd signals = TRY(os::signal_descriptor());
    TRY(loop_.watch(host_end_.get(), EPOLLIN, [this] { return on_note(); }));
    TRY(loop_.watch(signals.get(), EPOLLIN, [&] { return on_signals(signals.get()); }));
    TRY(loop_.run());
    return result_;
  }

 private:
  Status end(int result) {
    result_ = result;
    loop_.stop();
    return {};
  }

  Status on_note() {
    const auto message = os::receive_message(host_end_.get(), kMostNote);
    NoteHeader header;
    if (!message.ok() || message.value().end || message.value().bytes.size() < sizeof header) {
      loop_.forget(host_end_.get());
      os::report(
          os::join("the session's connection is lost and the session goes on; `agent-session",
                   " resume ", state_.name, "` takes it up again"));
      return end(kLost);
    }
    std::memcpy(&header, message.value().bytes.data(), sizeof header);
    if (header.note == Note::ready && state_.terminal) return attach();
    if (header.note != Note::ended) return {};
    ended_ = header.value;
    text_ = message.value().bytes.substr(sizeof header);
    loop_.forget(host_end_.get());
    return terminal_.running() ? Status() : end_with_session();
  }

  Status end_with_session() {
    static_cast<void>(os::write_all(2, text_).ok());
    return end(*ended_);
  }

  Status attach() {
    if (terminal_.running()) return {};
    auto words = engine_words(state_, {"-it", kEngineDetachKeys}, "attach");
    // The terminal that the engine makes gets its size a moment after its first program.
    if (const auto size = os::window_size(0); size.ok()) {
      words.push_back(
          os::join(std::to_string(size.value().rows), "x", std::to_string(size.value().columns)));
    }
    terminal_ = TRY(os::Child::start(0, [&] { return become_engine_client(words); }));
    return loop_.watch(terminal_.pidfd(), EPOLLIN, [this] { return on_terminal_end(); });
  }

  Status on_terminal_end() {
    loop_.forget(terminal_.pidfd());
    const os::ExitStatus status = TRY(terminal_.wait());
    if (ended_) return end_with_session();
    if (status == os::ExitStatus{false, kAttachEnded}) return {};  // the word will come
    const bool replaced = status == os::ExitStatus{false, kAttachReplaced};
    if (replaced || status == os::ExitStatus{false, kAttachDetached}) return detached(replaced);
    loop_.after(kForWord, [this] { return detached(false); });
    return {};
  }

  Status detached(bool replaced) {
    if (ended_) return {};
    os::report(os::join(replaced ? "somebody else has attached to" : "detached from", " session ",
                        state_.name, ", which goes on; `agent-session attach ", state_.name,
                        "` comes back"));
    return end(0);
  }

  // What a terminal sends to its foreground is for the session, too: the host end is not in it.
  Status on_signals(int signals) {
    for (auto next = os::next_signal(signals); next.ok(); next = os::next_signal(signals)) {
      const int number = next.value().number;
      const bool by_process = next.value().from_process;
      if (number == SIGCHLD || number == SIGWINCH || number == SIGCONT) continue;
      if (number == SIGTSTP && !by_process) {
        os::stop_self();
        continue;
      }
      // The terminal has gone, the session stays.
      if (number == SIGHUP && !by_process && state_.terminal) return end(kLost);
      const NoteHeader header{Note::signal, number};
      static_cast<void>(os::send_message(host_end_.get(),
                                         {reinterpret_cast<const char*>(&header), sizeof header},
                                         {}, MSG_DONTWAIT)
                            .ok());
    }
    return {};
  }

  const SessionState& state_;
  os::Loop& loop_;
  os::Fd host_end_;
  os::Child terminal_;
  std::optional<int> ended_;
  std::string text_;
  int result_ = kLost;
};

os::Result<int> run(const SessionState& state, os::Fd host_end) {
  os::Loop loop = TRY(os::Loop::make());
  return Front(state, loop, std::move(host_end)).run();
}

}  // namespace

int run_front(const SessionState& state, os::Fd host_end) {
  const auto result = run(state, std::move(host_end));
  if (result.ok()) return result.value();
  os::report(result.error().text());
  return kLost;
}

}  // namespace channel
