// Gives the workspace back where no process of ours is outside of the container; way acl only.
#pragma once

#include <chrono>

#include "init/workspace.h"
#include "os/child.h"
#include "os/fd.h"
#include "os/result.h"

namespace init {

/// A process that keeps three rights which PID 1 gives up (kGiveBack): a session runs without power
/// over other users' files, and what it made is other users'. Does nothing but wait, and hand back.
/// It is in PID 1's pid namespace; nobody without CAP_SYS_PTRACE traces it.
class HandBack {
 public:
  /// To be called before capabilities are limited. Starts nothing where no directory needs it.
  static os::Result<HandBack> prepare(const Workspace& workspace);

  /// When the session's last process is gone; a second call does nothing. Reports what failed, how
  /// far it is now and then, and when a signal asks to end. A second such signal ends it.
  void finish();

 private:
  os::Status await_end();
  os::Status on_signals(int signals);

  os::Child child_;
  os::Fd go_;
  std::chrono::steady_clock::time_point asked_to_end_;
};

}  // namespace init
