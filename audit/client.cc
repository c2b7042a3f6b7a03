#include "audit/client.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>

#include "audit/record.h"
#include "os/text.h"

namespace audit {

os::Result<os::SocketPair> make_channel() {
  constexpr std::chrono::seconds kPatience{1};
  os::SocketPair pair = TRY(os::seqpacket_pair());
  TRY(os::stamp_senders(pair.second.get()));
  TRY(os::set_timeouts(pair.first.get(), kPatience));
  TRY(os::set_timeouts(pair.second.get(), kPatience));
  return pair;
}

os::Status Client::record(const Event& event) const {
  const int unwritable = state_->unwritable.load(std::memory_order_acquire);
  os::Status sent =
      unwritable != 0 ? os::Error{unwritable, "the event log cannot be written"} : send(event, 0);
  if (sent.ok()) return sent;
  state_->refused.fetch_add(1, std::memory_order_relaxed);
  return std::move(sent).error().within(os::join("record ", event.action()));
}

void Client::offer(const Event& event) const {
  // While nothing can be written, what the log has room for belongs to records already accepted.
  const bool writable = state_->unwritable.load(std::memory_order_acquire) == 0;
  if (!writable || !send(event, MSG_DONTWAIT).ok())
    state_->dropped.fetch_add(1, std::memory_order_relaxed);
}

os::Status Client::finish() const {
  RecordHeader header{};
  header.kind = RecordKind::finish;
  return os::send_message(socket_, make_message(header, {}, {}));
}

os::Status Client::send(const Event& event, int flags) const {
  RecordHeader header{};
  header.kind = RecordKind::event;
  header.action_bytes = static_cast<std::uint32_t>(event.action().size());
  header.time_ns = event.time_ns();
  const std::string data = event.data_json(redactor_);
  header.number = state_->next_number.fetch_add(1, std::memory_order_relaxed);
  os::Status sent =
      os::send_message(socket_, make_message(header, event.action(), data), {}, flags);
  if (sent.ok()) state_->count_one(event.action());
  return sent;
}

}  // namespace audit
