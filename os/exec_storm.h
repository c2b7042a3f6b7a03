// An exec as a CLI makes it at its worst: after a vfork, while signals keep coming.
#pragma once

#include <string>

#include "os/result.h"

namespace os {

/// How the exec of a child of ours came out.
struct StormedExec {
  int failed_with = 0;  // the errno that the child saw
  int ended_by = 0;     // the signal that ended whatever it had become
};

/// Executes `path` in a vfork child to which a signal without SA_RESTART is sent again and again;
/// after EINTR the child tries again. Waits for its end. For a process without threads.
Result<StormedExec> exec_in_storm(const std::string& path);

}  // namespace os
