#include "os/child.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "os/signals.h"

namespace {

// 0 when the next signal is SIGALRM, made by the kernel.
int check_alarm(int descriptor) {
  for (;;) {
    const auto made = os::next_signal(descriptor);
    if (made.ok()) return made.value().number == SIGALRM && !made.value().from_process ? 0 : 4;
    if (made.error().code != EAGAIN) return 5;
    ::usleep(10000);
  }
}

}  // namespace

TEST_CASE("a child's exit code and signal come back as they were") {
  auto plain = os::Child::start(0, [] { return 7; });
  REQUIRE(plain.ok());
  auto status = plain.value().wait();
  REQUIRE(status.ok());
  CHECK(status.value() == os::ExitStatus{false, 7});
  CHECK(status.value().shell_code() == 7);
  CHECK(status.value().text() == "exit code 7");

  auto killed = os::Child::start(0, [] {
    ::pause();
    return 0;
  });
  REQUIRE(killed.ok());
  REQUIRE(killed.value().signal(SIGUSR2).ok());
  status = killed.value().wait();
  REQUIRE(status.ok());
  CHECK(status.value() == os::ExitStatus{true, SIGUSR2});
  CHECK(status.value().shell_code() == 128 + SIGUSR2);
  CHECK(status.value().text() == "SIGUSR2");
}

TEST_CASE("poll says nothing about a child that runs, and a reaped one cannot be signalled") {
  auto child = os::Child::start(0, [] {
    ::pause();
    return 0;
  });
  REQUIRE(child.ok());
  auto status = child.value().poll();
  REQUIRE(status.ok());
  CHECK_FALSE(status.value().has_value());
  CHECK(os::has_children());
  REQUIRE(child.value().signal(SIGKILL).ok());
  REQUIRE(child.value().wait().ok());
  CHECK_FALSE(child.value().running());
  const auto late = child.value().signal(SIGKILL);
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == ESRCH);
  CHECK_FALSE(os::has_children());
}

TEST_CASE("reap_one takes every ended child and then says there is none") {
  for (int i = 0; i < 3; ++i) REQUIRE(os::Child::start(0, [] { return 5; }).ok());
  int reaped = 0;
  while (os::has_children()) {
    if (const auto one = os::reap_one()) {
      CHECK(one->status == os::ExitStatus{false, 5});
      ++reaped;
    }
  }
  CHECK(reaped == 3);
}

TEST_CASE("a child gets back the signal mask and the ignored signals of its supervisor's start") {
  auto child = os::Child::start(0, [] {
    ::signal(SIGHUP, SIG_IGN);
    ::signal(SIGUSR1, [](int) {});
    sigset_t usr2;
    ::sigemptyset(&usr2);
    ::sigaddset(&usr2, SIGUSR2);
    ::sigprocmask(SIG_SETMASK, &usr2, nullptr);
    const os::SignalState state = os::block_all_signals();
    ::signal(SIGHUP, SIG_DFL);
    os::restore_signals(state);

    struct sigaction hup {};
    struct sigaction usr1 {};
    sigset_t mask;
    ::sigaction(SIGHUP, nullptr, &hup);
    ::sigaction(SIGUSR1, nullptr, &usr1);
    ::sigprocmask(SIG_SETMASK, nullptr, &mask);
    const bool as_before = hup.sa_handler == SIG_IGN && usr1.sa_handler == SIG_DFL &&
                           ::sigismember(&mask, SIGUSR2) == 1 && ::sigismember(&mask, SIGTERM) == 0;
    return as_before ? 0 : 1;
  });
  REQUIRE(child.ok());
  CHECK(child.value().wait().value() == os::ExitStatus{false, 0});
}

TEST_CASE("a signal record tells a sent signal from one of the kernel") {
  auto child = os::Child::start(0, [] {
    os::block_all_signals();
    auto descriptor = os::signal_descriptor();
    if (!descriptor.ok()) return 1;
    ::kill(::getpid(), SIGTERM);
    const auto sent = os::next_signal(descriptor.value().get());
    if (!sent.ok() || sent.value().number != SIGTERM || !sent.value().from_process) return 2;
    if (sent.value().sender != ::getpid()) return 3;
    ::alarm(1);
    return check_alarm(descriptor.value().get());
  });
  REQUIRE(child.ok());
  CHECK(child.value().wait().value() == os::ExitStatus{false, 0});
}
