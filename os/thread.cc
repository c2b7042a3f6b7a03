#include "os/thread.h"

#include <pthread.h>

#include <cerrno>
#include <memory>

#include "os/ready_set.h"

namespace os {
namespace {

// Seen on Linux 6.18: clone(2) fails, and succeeds a moment later, with memory and numbers to
// spare.
constexpr int kTries = 5;
constexpr int kPauseMilliseconds = 1;

void* run_body(void* argument) {
  const std::unique_ptr<std::function<void()>> body(static_cast<std::function<void()>*>(argument));
  (*body)();
  return nullptr;
}

}  // namespace

Status start_thread(std::function<void()> body) {
  auto owned = std::make_unique<std::function<void()>>(std::move(body));
  pthread_t thread{};
  int error = EAGAIN;
  for (int tries = 0; error == EAGAIN && tries < kTries; ++tries) {
    if (tries > 0) pause_for_milliseconds(kPauseMilliseconds);
    error = ::pthread_create(&thread, nullptr, run_body, owned.get());
  }
  if (error != 0) return Error{error, "start a thread"};
  owned.release();  // NOLINT(bugprone-unused-return-value): the thread owns it now
  ::pthread_detach(thread);
  return {};
}

}  // namespace os
