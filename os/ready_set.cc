#include "os/ready_set.h"

#include <sys/epoll.h>

#include <array>
#include <ctime>

#include "os/retry.h"

namespace os {

Result<Fd> make_ready_set() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return last_error("make an epoll set");
  return Fd(fd);
}

Status add_to_ready_set(int set, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) return last_error("add to an epoll set");
  return {};
}

void remove_from_ready_set(int set, int fd) { ::epoll_ctl(set, EPOLL_CTL_DEL, fd, nullptr); }

Result<std::vector<int>> wait_ready(int set, int milliseconds) {
  std::array<epoll_event, 64> events{};
  const int count = retrying([&] {
    return ::epoll_wait(set, events.data(), static_cast<int>(events.size()), milliseconds);
  });
  if (count < 0) return last_error("wait for an epoll set");
  std::vector<int> ready;
  ready.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) ready.push_back(events[static_cast<std::size_t>(i)].data.fd);
  return ready;
}

void pause_for_milliseconds(int milliseconds) {
  timespec time{milliseconds / 1000, static_cast<long>(milliseconds % 1000) * 1000000};
  ::nanosleep(&time, nullptr);
}

}  // namespace os
