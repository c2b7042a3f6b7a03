// Where agent-relay begins: the tracer has put the socket's number into rbx (runner/redirect.cc),
// the one register that an exec neither clears nor uses before the first instruction.

#include "runner/relay.h"

// NOLINTNEXTLINE(readability-identifier-naming): where the linker begins a program
extern "C" [[noreturn]] void _start();

extern "C" __attribute__((naked, noreturn, used)) void _start() {
  __asm__ volatile(
      "mov %ebx, %edi\n"
      "and $-16, %rsp\n"
      "call relay_main\n");
}
