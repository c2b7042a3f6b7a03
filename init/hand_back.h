// Gives the workspace back where no process of ours is outside of the container; way acl only.
#pragma once

#include "init/workspace.h"
#include "os/child.h"
#include "os/fd.h"
#include "os/result.h"

namespace init {

/// A process that keeps the rights which PID 1 gives up: a session runs without power over other
/// users' files, and what it made is other users'. Does nothing but wait, and hand back.
class HandBack {
 public:
  /// To be called before capabilities are limited. Starts nothing where no directory needs it.
  static os::Result<HandBack> prepare(const Workspace& workspace);

  /// When the session's last process is gone; a second call does nothing. Reports what failed.
  void finish();

 private:
  os::Child child_;
  os::Fd go_;
};

}  // namespace init
