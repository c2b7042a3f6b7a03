// A tree of processes, traced for the whole of its life. ptrace(2).
#pragma once

#include <sys/types.h>

#include <optional>

#include "os/fd.h"
#include "os/result.h"
#include "os/traced_task.h"

namespace os {

/// Seizes a process with one thread, and with it whatever it will start. The calling thread is the
/// tracer of all of them: when it ends they are killed (PTRACE_O_EXITKILL). It may have no child
/// and no other tracee. EPERM: another tracer is there already, or CAP_SYS_PTRACE is missing and
/// `as` (RealUser) may not either.
Status seize_tree(pid_t first, std::optional<uid_t> as = {});

struct TracedHalt {
  pid_t tid;
  Halt halt;
};

/// The next halt in the tree, if there is one; it is to be followed by a resume. ECHILD: nobody is
/// left.
Result<std::optional<TracedHalt>> next_halt();

/// Whether `tid` is a thread of `process`; of the first one that is the number as well. A thread
/// that has ended is one until it has been reaped.
bool is_thread_of(pid_t tid, pid_t process);

/// Blocks SIGCHLD, which every halt sends to the tracer's process. Before the first thread.
Result<Fd> halts_descriptor();

/// Waits until there may be something to do: a halt, or a call of wake_tracer() by another thread
/// of this process.
void await_halts(int descriptor);
void wake_tracer();

}  // namespace os
