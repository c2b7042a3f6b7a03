#include "os/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "os/retry.h"

namespace os {
namespace {

sigset_t every_signal() {
  sigset_t set;
  ::sigfillset(&set);
  return set;
}

}  // namespace

SignalState block_all_signals() {
  SignalState state;
  const sigset_t all = every_signal();
  ::sigprocmask(SIG_SETMASK, &all, &state.mask);
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
      state.ignored |= std::uint64_t{1} << (number - 1);
    }
  }
  return state;
}

void restore_signals(const SignalState& state) {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    const bool ignored = (state.ignored >> (number - 1) & 1) != 0;
    action.sa_handler = ignored ? SIG_IGN : SIG_DFL;
    ::sigaction(number, &action, nullptr);  // EINVAL for KILL, STOP and libc's own
  }
  ::sigprocmask(SIG_SETMASK, &state.mask, nullptr);
}

void reset_signals() {
  SignalState state;
  ::sigemptyset(&state.mask);
  restore_signals(state);
}

Result<Fd> signal_descriptor() {
  const sigset_t all = every_signal();
  const int fd = ::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return last_error("make a signal descriptor");
  return Fd(fd);
}

Result<Arrived> next_signal(int descriptor) {
  signalfd_siginfo info{};
  if (retrying([&] { return ::read(descriptor, &info, sizeof info); }) != sizeof info) {
    return last_error("read a signal");
  }
  const bool from_process =
      info.ssi_code == SI_USER || info.ssi_code == SI_QUEUE || info.ssi_code == SI_TKILL;
  return Arrived{static_cast<int>(info.ssi_signo), from_process, static_cast<pid_t>(info.ssi_pid)};
}

Result<Fd> termination_descriptor() {
  reset_signals();
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const int fd = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return last_error("make a descriptor for SIGTERM");
  return Fd(fd);
}

}  // namespace os
