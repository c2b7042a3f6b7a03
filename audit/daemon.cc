#include "audit/daemon.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "audit/event.h"
#include "audit/log_file.h"
#include "audit/record.h"
#include "os/append_file.h"
#include "os/socket.h"
#include "os/text.h"

namespace audit {
namespace {

using Clock = std::chrono::steady_clock;

// After a wake-up everything is written and then nothing for a moment, so that the senders, who
// are on the way of a command, wake us at most 200 times a second.
constexpr std::chrono::milliseconds kRest{5};
constexpr std::chrono::milliseconds kRetry{100};
constexpr std::chrono::seconds kSyncEvery{1};

constexpr int kDone = 0;
constexpr int kFailed = 1;

class Daemon {
 public:
  explicit Daemon(const DaemonConfig& config) : config_(config), state_(*config.state) {}

  int run() {
    until_works([this] { return open(); });
    // What waits already comes before anything of our own, see written_before().
    for (int flags = MSG_DONTWAIT;;) {
      const Drained drained = drain(flags);
      if (drained == Drained::broken) return kFailed;
      const int no_room = reserve();
      state_.unwritable.store(no_room, std::memory_order_release);
      if (no_room == 0) report_losses();
      if (drained == Drained::finished) return close();
      sync_copy();
      std::this_thread::sleep_for(no_room == 0 ? kRest : kRetry);
      // A log without room is looked after even though nobody can send anything.
      flags = no_room == 0 ? 0 : MSG_DONTWAIT;
    }
  }

 private:
  enum class Drained { empty, finished, broken };

  // Repeats a step until it works; senders are told meanwhile.
  template <class Step>
  void until_works(Step step) {
    for (;;) {
      const os::Status done = step();
      if (done.ok()) return;
      state_.unwritable.store(done.error().code, std::memory_order_release);
      std::this_thread::sleep_for(kRetry);
    }
  }

  os::Status open() {
    log_ = LogFile(TRY(os::AppendFile::open(config_.log_path, kLogMode)));
    if (config_.copy >= 0) {
      copy_ = LogFile(TRY_STEP(os::AppendFile::adopt(config_.copy), "the copy of the log"));
      TRY_STEP(copy_.lock(), "the copy of the log");
    }
    const bool ours = state_.opened.load();
    const std::uint64_t cut = TRY(log_.mend(ours));
    if (copy_.valid()) TRY(copy_.mend(ours));
    last_ = TRY(log_.last_record());
    if (ours && copy_.valid()) TRY(complete_copy());
    state_.opened.store(true);
    raise(state_.dropped_reported, last_.dropped);
    raise(state_.refused_reported, last_.refused);
    if (cut != 0) write_own(Event("log-repaired").set("audit.bytes", cut));
    return {};
  }

  // Each line goes to the log first: a copy can lack the last one at most.
  os::Status complete_copy() {
    const std::string line = TRY(log_.last_line());
    if (TRY(copy_.last_line()) == line) return {};
    return copy_.append(line);
  }

  static void raise(std::atomic<std::uint64_t>& value, std::uint64_t least) {
    if (value.load() < least) value.store(least);
  }

  int reserve() {
    os::Status status = log_.reserve();
    if (status.ok() && copy_.valid()) status = copy_.reserve();
    return status.ok() ? 0 : status.error().code;
  }

  // Writes all messages that wait; `flags` are those of the first receive.
  Drained drain(int flags) {
    for (;; flags = MSG_DONTWAIT) {
      const os::Result<os::Message> message =
          os::receive_message(config_.socket, kMaxMessage, flags | MSG_PEEK);
      if (!message.ok() && message.error().code == EAGAIN) return Drained::empty;
      if (!readable(message)) return Drained::broken;
      const Stamp sender = stamp_of(message);
      const std::string_view bytes = message.ok() ? message.value().bytes : std::string_view();
      const os::Result<RecordView> record = read_message(bytes);
      // Left in the queue: whoever is started instead of us finds it there, too.
      if (is_finish(record, sender)) return Drained::finished;
      if (!written_before(sender)) write(sender, record, bytes.size());
      if (!consume()) return Drained::broken;
    }
  }

  // A message that was too long is one that can be refused; an end of file is none.
  static bool readable(const os::Result<os::Message>& message) {
    return message.ok() ? !message.value().end : message.error().code == EMSGSIZE;
  }

  bool is_finish(const os::Result<RecordView>& record, const Stamp& sender) const {
    return record.ok() && record.value().header.kind == RecordKind::finish &&
           sender.sender_pid == config_.owner;
  }

  // A cut-off message has neither bytes nor a sender: it is refused, and so are its like.
  static Stamp stamp_of(const os::Result<os::Message>& message) {
    Stamp stamp;
    if (!message.ok()) return stamp;
    stamp.number = number_of(message.value().bytes);
    if (message.value().sender) {
      stamp.sender_pid = message.value().sender->pid;
      stamp.sender_uid = message.value().sender->uid;
    }
    return stamp;
  }

  // Whether the previous incarnation died between writing this message and taking it: then its
  // line is the last one, because nothing of our own is written while a message waits.
  bool written_before(const Stamp& sender) {
    const bool same =
        first_ && last_.number == sender.number && last_.sender_pid == sender.sender_pid;
    first_ = false;
    return same && last_.seq != 0;
  }

  void write(Stamp sender, const os::Result<RecordView>& record, std::size_t size) {
    if (record.ok() && record.value().header.kind == RecordKind::event) {
      sender.time_ns = record.value().header.time_ns;
      write_line(sender, record.value().action, record.value().data);
      return;
    }
    const Event malformed = std::move(Event("event-malformed").set("audit.bytes", size));
    sender.time_ns = malformed.time_ns();
    write_line(sender, malformed.action(), malformed.data_json());
  }

  void write_own(const Event& event) {
    const os::Peer self = os::self();
    Stamp stamp;
    stamp.sender_pid = self.pid;
    stamp.sender_uid = self.uid;
    stamp.time_ns = event.time_ns();
    write_line(stamp, event.action(), event.data_json());
  }

  void write_line(Stamp& stamp, std::string_view action, std::string_view data) {
    stamp.session = config_.session;
    stamp.seq = ++last_.seq;
    const std::string line = make_line(stamp, action, data);
    until_works([&] { return log_.append(line); });
    if (copy_.valid()) until_works([&] { return copy_.append(line); });
    unsynced_ = true;
  }

  bool consume() {
    const os::Result<os::Message> taken = os::receive_message(config_.socket, kMaxMessage, 0);
    return taken.ok() || taken.error().code == EMSGSIZE;
  }

  void report_losses() {
    const std::uint64_t dropped = state_.dropped.load();
    const std::uint64_t refused = state_.refused.load();
    const std::uint64_t new_dropped = dropped - state_.dropped_reported.load();
    const std::uint64_t new_refused = refused - state_.refused_reported.load();
    if (new_dropped == 0 && new_refused == 0) return;
    write_own(Event("events-dropped")
                  .set("audit.dropped", new_dropped)
                  .set("audit.dropped_total", dropped)
                  .set("audit.refused", new_refused)
                  .set("audit.refused_total", refused));
    state_.dropped_reported.store(dropped);
    state_.refused_reported.store(refused);
  }

  void sync_copy() {
    const auto now = Clock::now();
    if (!unsynced_ || !copy_.valid() || now - synced_at_ < kSyncEvery) return;
    until_works([this] { return copy_.sync(); });
    synced_at_ = now;
    unsynced_ = false;
  }

  int close() {
    const bool log_closed = log_.close().ok();
    const bool copy_closed = !copy_.valid() || copy_.close().ok();
    return log_closed && copy_closed ? kDone : kFailed;
  }

  const DaemonConfig& config_;
  SharedState& state_;
  LogFile log_;
  LogFile copy_;
  LastLine last_;
  bool first_ = true;
  bool unsynced_ = false;
  Clock::time_point synced_at_{};
};

}  // namespace

int run_auditd(const DaemonConfig& config) { return Daemon(config).run(); }

}  // namespace audit
