#include "os/page_gift.h"

#include <sys/syscall.h>

#include <cerrno>

#include "os/text.h"

namespace os {

Result<bool> PageGift::at_syscall(const TracedTask& task) {
  switch (next_) {
    case Next::end_of_exec:
      TRY(prepare(task));
      next_ = Next::entry;
      return false;
    case Next::entry:
      TRY(check_entry(task));
      next_ = Next::exit;
      return false;
    case Next::exit:
      break;
  }
  TRY(finish(task));
  return true;
}

Status PageGift::prepare(const TracedTask& task) {
  registers_ = TRY(task.registers());
  code_ = TRY(task.read(registers_.rip, kSyscallInstruction.size()));
  TRY(task.write(registers_.rip, kSyscallInstruction));
  return task.set_registers(as_page(registers_, address_));
}

Status PageGift::check_entry(const TracedTask& task) const {
  const seccomp_data call = call_of(TRY(task.registers()));
  if (call.nr == SYS_mmap && call.args[0] == address_) return {};
  return Error{EPROTO, join("map a page at ", address_)};
}

Status PageGift::finish(const TracedTask& task) const {
  const std::int64_t mapped = result_of(TRY(task.registers()));
  if (mapped != static_cast<std::int64_t>(address_)) {
    return Error{EEXIST, join("map a page at ", address_)};
  }
  TRY(task.write(address_, bytes_));
  TRY(task.write(registers_.rip, code_));
  return task.set_registers(registers_);
}

}  // namespace os
