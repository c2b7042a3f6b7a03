#include "os/traced_task.h"

#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <cerrno>

namespace {

// A thread halted in execve, whose instruction has two bytes.
user_regs_struct in_execve() {
  user_regs_struct registers{};
  registers.rip = 0x1002;
  registers.orig_rax = SYS_execve;
  registers.rax = static_cast<unsigned long long>(-ENOSYS);
  registers.rdi = 1;
  registers.r9 = 6;
  return registers;
}

}  // namespace

TEST_CASE("a call that ended returns its result, and the kernel does not start it again") {
  for (const std::int64_t result :
       {-std::int64_t{ENOENT}, std::int64_t{0}, std::int64_t{-511}, std::int64_t{-517}}) {
    const auto ended = os::as_ended(in_execve(), result);
    CHECK(os::result_of(ended) == result);
    CHECK(ended.rip == 0x1002);
    CHECK(ended.orig_rax == ~0ULL);
  }
}

TEST_CASE("a call that was interrupted is made again as it was") {
  for (std::int64_t result = -516; result <= -512; ++result) {
    const auto ended = os::as_ended(in_execve(), result);
    CHECK(ended.rax == SYS_execve);
    CHECK(ended.rip == 0x1000);
    CHECK(ended.orig_rax == ~0ULL);
    CHECK(ended.rdi == 1);
    CHECK(ended.r9 == 6);
  }
}
