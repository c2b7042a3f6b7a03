#include "os/thread.h"

#include <pthread.h>

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
  auto owned = std::make_unique<std::function<void()>>(std::move(body));
  pthread_t thread{};
  const int error = ::pthread_create(&thread, nullptr, run_body, owned.get());
  if (error != 0) return Error{error, "start a thread"};
  owned.release();  // NOLINT(bugprone-unused-return-value): the thread owns it now
  ::pthread_detach(thread);
  return {};
}

}  // namespace os
