// The event loop of a process without threads: descriptors and timers. epoll(7).
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// Calls handlers until one of them says stop(). A handler that returns an error is reported and
/// never called again; the loop goes on. Idle, it does not wake up.
class Loop {
 public:
  using Handler = std::function<Status()>;
  using Clock = std::chrono::steady_clock;
  using Timer = std::uint64_t;

  static Result<Loop> make();

  /// Calls `handler` while `fd` (borrowed) has one of `events`, or an error or hang-up.
  Status watch(int fd, std::uint32_t events, Handler handler);
  /// Before `fd` is closed. Unknown descriptors are ignored.
  void forget(int fd);

  /// Calls `handler` once, `delay` from now.
  Timer after(std::chrono::milliseconds delay, Handler handler);
  /// A timer that has fired is ignored.
  void cancel(Timer timer);

  /// Runs until stop(), not at all if that was called before; an error only if the kernel refuses
  /// to wait.
  Status run();
  void stop() { stopped_ = true; }

 private:
  explicit Loop(Fd epoll) : epoll_(std::move(epoll)) {}

  int milliseconds_to_next_timer() const;
  void fire_timers();
  void dispatch(std::uint64_t event);

  struct Due {
    Clock::time_point when;
    Handler handler;
  };

  struct Watched {
    std::uint32_t watch = 0;
    std::shared_ptr<Handler> handler;
  };

  Fd epoll_;
  bool stopped_ = false;
  Timer last_timer_ = 0;
  std::map<int, Watched> handlers_;
  std::uint32_t last_watch_ = 0;
  std::map<Timer, Due> timers_;
};

/// Waits until `fd` can be read or has no writer any more; false when the time is up (negative:
/// there is no limit).
bool wait_readable(int fd, std::chrono::milliseconds limit = std::chrono::milliseconds(-1));

}  // namespace os
