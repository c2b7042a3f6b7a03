// A page for a program that has executed nothing yet. ptrace(2).
#pragma once

#include <sys/user.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "os/result.h"
#include "os/traced_task.h"

namespace os {

/// Maps one page at `address` that can only be read, and puts `bytes` there: by a system call that
/// the program makes in place of its first instruction. The thread must be the only one of its
/// process, and have its signals blocked. The tracer runs it from halt to halt and does other
/// things meanwhile, since nobody can say when it comes there.
class PageGift {
 public:
  PageGift(std::uint64_t address, std::string_view bytes) : address_(address), bytes_(bytes) {}

  /// To be called at each halt at a system call; the first is the end of the exec. True: the page
  /// is there, and the thread is as it was before its first instruction. False: it must run on to
  /// the next. EEXIST: something is there. EPROTO: its memory was changed meanwhile.
  Result<bool> at_syscall(const TracedTask& task);

 private:
  enum class Next { end_of_exec, entry, exit };

  Status prepare(const TracedTask& task);
  Status check_entry(const TracedTask& task) const;
  Status finish(const TracedTask& task) const;

  std::uint64_t address_;
  std::string_view bytes_;
  Next next_ = Next::end_of_exec;
  user_regs_struct registers_{};
  std::string code_;
};

}  // namespace os
