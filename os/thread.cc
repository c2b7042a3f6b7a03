#include "os/thread.h"

#include <pthread.h>
#include <time.h>

#include <cerrno>
#include <memory>

namespace os {
namespace {

void* run_body(void* argument) {
  const std::unique_ptr<std::function<void()>> body(static_cast<std::function<void()>*>(argument));
  (*body)();
  return nullptr;
}

}  // namespace

Status start_thread(std::function<void()> body) {
  constexpr int kTries = 6;
  constexpr timespec kPause{0, 4'000'000};
  auto owned = std::make_unique<std::function<void()>>(std::move(body));
  int error = EAGAIN;
  for (int i = 0; i < kTries && error == EAGAIN; ++i) {
    if (i > 0) ::nanosleep(&kPause, nullptr);
    pthread_t thread{};
    error = ::pthread_create(&thread, nullptr, run_body, owned.get());
    if (error == 0) {
      owned.release();  // NOLINT(bugprone-unused-return-value): the thread owns it now
      ::pthread_detach(thread);
      return {};
    }
  }
  return Error{error, "start a thread"};
}

}  // namespace os
