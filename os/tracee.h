// One thread of the CLI, traced for the moment in which its exec is redirected. ptrace(2).
#pragma once

#include <sys/types.h>

#include <optional>

#include "os/result.h"
#include "os/traced_task.h"

namespace os {

/// A seized thread. The calling thread is its tracer: every call must come from it, it may have no
/// other tracee, and it gets no other child (waits are __WALL|__WNOTHREAD). A Tracee that is
/// dropped while attached is killed: a half-redirected caller must not run on.
class Tracee : public TracedTask {
 public:
  /// PTRACE_SEIZE with EXITKILL, TRACEEXEC, TRACESECCOMP and TRACESYSGOOD, then PTRACE_INTERRUPT.
  /// Needs CAP_SYS_PTRACE, or does it as the thread's own user (RealUser), who may if it is
  /// dumpable.
  static Result<Tracee> seize(pid_t tid, std::optional<uid_t> as = {});

  Tracee(Tracee&& other) noexcept : TracedTask(other.tid_) { other.tid_ = 0; }
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;
  Tracee& operator=(Tracee&&) = delete;
  ~Tracee();

  /// Waits for the next halt. After an exec by a thread that is not the leader the tid becomes the
  /// leader's. Kind::gone ends the Tracee: it has been reaped.
  Halt wait();

  /// `signal` is delivered (0: none).
  Status detach(int signal = 0);
  /// SIGKILL and reap: without the reap the caller's parent would wait for ever. Whoever does not
  /// halt has been killed already, and the number may be another thread's, which has executed.
  void kill();

 private:
  explicit Tracee(pid_t tid) : TracedTask(tid) {}
};

}  // namespace os
