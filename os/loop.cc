#include "os/loop.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "os/log.h"
#include "os/retry.h"
#include "os/text.h"

namespace os {

Result<Loop> Loop::make() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return last_error("make an event loop");
  return Loop(Fd(fd));
}

Status Loop::watch(int fd, std::uint32_t events, Handler handler) {
  // Numbers are used again: an event that has come already for the descriptor before is told from
  // its successor's by the watch.
  const std::uint32_t watch = ++last_watch_;
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{watch} << 32 | static_cast<std::uint32_t>(fd);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return last_error(join("watch fd ", fd));
  }
  handlers_[fd] = Watched{watch, std::make_shared<Handler>(std::move(handler))};
  return {};
}

void Loop::forget(int fd) {
  if (handlers_.erase(fd) != 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Loop::Timer Loop::after(std::chrono::milliseconds delay, Handler handler) {
  timers_.emplace(++last_timer_, Due{Clock::now() + delay, std::move(handler)});
  return last_timer_;
}

void Loop::cancel(Timer timer) { timers_.erase(timer); }

int Loop::milliseconds_to_next_timer() const {
  std::optional<Clock::time_point> first;
  for (const auto& [timer, due] : timers_) first = std::min(first.value_or(due.when), due.when);
  if (!first) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*first - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

void Loop::fire_timers() {
  const auto now = Clock::now();
  std::vector<Timer> fired;
  for (const auto& [timer, due] : timers_) {
    if (due.when <= now) fired.push_back(timer);
  }
  for (const Timer timer : fired) {
    auto node = timers_.extract(timer);  // empty if an earlier handler cancelled it
    if (node.empty()) continue;
    if (const Status status = node.mapped().handler(); !status.ok()) {
      report(status.error().text());
    }
  }
}

void Loop::dispatch(std::uint64_t event) {
  const int fd = static_cast<int>(event & 0xffffffff);
  const auto found = handlers_.find(fd);
  // Forgotten by a handler that ran before in this round, perhaps for another one of that number.
  if (found == handlers_.end() || found->second.watch != event >> 32) return;
  const auto handler = found->second.handler;  // keeps it alive if it forgets itself
  if (const Status status = (*handler)(); !status.ok()) {
    report(status.error().text());
    const auto still = handlers_.find(fd);
    if (still != handlers_.end() && still->second.handler == handler) forget(fd);
  }
}

Status Loop::run() {
  std::array<epoll_event, 32> events{};
  while (!stopped_) {
    const int count = retrying([&] {
      return ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                          milliseconds_to_next_timer());
    });
    if (count < 0) return last_error("wait for events");
    for (int i = 0; i < count && !stopped_; ++i) {
      dispatch(events[static_cast<std::size_t>(i)].data.u64);
    }
    if (!stopped_) fire_timers();
  }
  stopped_ = false;
  return {};
}

bool wait_readable(int fd, std::chrono::milliseconds limit) {
  pollfd entry{fd, POLLIN, 0};
  return retrying([&] { return ::poll(&entry, 1, static_cast<int>(limit.count())); }) > 0;
}

}  // namespace os
