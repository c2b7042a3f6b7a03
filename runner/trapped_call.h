// One exec of the CLI that the trap holds, whichever engine trapped it.
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "os/fd.h"
#include "runner/exec_copy.h"

namespace runner {

enum class Redirected {
  done,     // the new program is about to run its first instruction
  refused,  // the exec failed and the caller has its errno
  gone,     // the caller died, or was interrupted before anything happened
  killed,   // another program than the one intended had been loaded; it never ran
};

struct Redirect {
  Redirected how = Redirected::gone;
  std::uint64_t signal_mask = 0;  // the caller's own, before the exec
};

/// The caller waits until one of the three answers below ends the call. One that is dropped is
/// answered with EIO, so that no caller is ever left waiting. Lives on its worker's stack.
class TrappedCall {
 public:
  TrappedCall() = default;
  TrappedCall(const TrappedCall&) = delete;
  TrappedCall& operator=(const TrappedCall&) = delete;
  virtual ~TrappedCall() = default;

  /// The same call for somebody who outlives that; this one is empty afterwards.
  virtual std::unique_ptr<TrappedCall> keep() = 0;

  /// The thread, by its number in the runner's pid namespace.
  virtual pid_t tid() const = 0;
  /// The number and the arguments of execve or execveat.
  virtual const seccomp_data& data() const = 0;
  /// False once the caller is gone: what was read from its memory before that may belong to another
  /// process.
  virtual bool still_valid() const = 0;

  /// The call fails with `code`, an errno value.
  virtual void refuse(int code) = 0;

  /// The caller executes agent-relay with its own argv and envp (so that it is the kernel that says
  /// E2BIG), all signals blocked. The relay has `socket`, or finds it. docs/exec-path.md.
  virtual Redirect become_relay(const ExecCopy& copy, const os::Fd& socket) = 0;

  /// The caller executes what it asked for. `verify` is called with the tid of the new image before
  /// its first instruction, by the thread that traces it; false kills it.
  virtual Redirect become_itself(const std::function<bool(pid_t)>& verify) = 0;

 protected:
  TrappedCall(TrappedCall&&) noexcept = default;
};

}  // namespace runner
