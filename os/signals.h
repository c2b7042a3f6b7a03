// The signal mask and dispositions of this process, and a descriptor that signals arrive on.
#pragma once

#include <csignal>
#include <cstdint>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// What a process inherited, to be given on to a program it starts.
struct SignalState {
  sigset_t mask;
  std::uint64_t ignored = 0;  // bit n-1: signal n is ignored
};

/// Blocks every signal and tells what was inherited. The first thing a supervisor does: a signal
/// sent a microsecond after its exec must not end it.
SignalState block_all_signals();

/// Default dispositions but for those that `state` says are ignored, then its mask.
void restore_signals(const SignalState& state);

/// Default disposition and empty mask for every signal.
void reset_signals();

/// The signals of this process, which must be blocked, as records to read; non-blocking,
/// close-on-exec. signalfd(2).
Result<Fd> signal_descriptor();

/// Default dispositions, nothing blocked but SIGTERM, which makes the descriptor readable. For a
/// daemon that traces or has threads: SIGCHLD, sent at every halt of a tracee, wakes nobody.
/// Before the first thread.
Result<Fd> termination_descriptor();

/// A signal that arrived.
struct Arrived {
  int number = 0;
  bool from_process = false;  // sent by kill(2) or its like; not by a terminal or the kernel
  pid_t sender = 0;           // 0 when it is not visible from this pid namespace
};

/// The next signal that has arrived; EAGAIN when there is none.
Result<Arrived> next_signal(int descriptor);

}  // namespace os
