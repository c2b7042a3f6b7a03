#include "runner/relay_ends.h"

#include <chrono>

#include "os/child.h"
#include "os/loop.h"
#include "os/ready_set.h"

namespace runner {
namespace {

bool has_ended(const os::Fd& process) {
  return os::wait_readable(process.get(), std::chrono::milliseconds(0));
}

}  // namespace

os::Status RelayEnds::open() {
  processes_ = TRY(os::make_ready_set());
  return {};
}

os::Status RelayEnds::put(pid_t relay, os::Fd end) {
  os::Fd process = TRY(os::open_process(relay));
  TRY(os::add_to_ready_set(processes_.get(), process.get()));
  const std::lock_guard lock(mutex_);
  kept_.insert_or_assign(relay, Kept{std::move(process), std::move(end)});
  return {};
}

os::Fd RelayEnds::take(pid_t relay) {
  const std::lock_guard lock(mutex_);
  auto found = kept_.extract(relay);
  if (found.empty() || has_ended(found.mapped().process)) return {};
  return std::move(found.mapped().end);
}

void RelayEnds::give_up_ended() {
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [](const auto& entry) { return has_ended(entry.second.process); });
}

}  // namespace runner
