// Starts a program with raw system calls only, the way a Go program does: no C library, one clone
// that shares memory with its parent until the exec.
//
// usage: nolibc PROGRAM [ARGUMENT...]
//
// Prints "exited N" or "killed by N". Linked with -nostdlib -static.
#include <asm/unistd.h>

#include <cstddef>

namespace {

constexpr long kCloneVm = 0x100;
constexpr long kCloneVfork = 0x4000;
constexpr long kChildSignal = 17;

#if defined(__x86_64__)

__attribute__((always_inline)) inline long call(long number, long a = 0, long b = 0, long c = 0,
                                                long d = 0, long e = 0) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  long result = 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

__attribute__((always_inline)) inline long call(long number, long a = 0, long b = 0, long c = 0,
                                                long d = 0, long e = 0) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}

#endif

long address(const volatile void* pointer) { return reinterpret_cast<long>(pointer); }

void print(const char* text, std::size_t size) {
  call(__NR_write, 1, address(text), static_cast<long>(size));
}

void print_number(int number) {
  char digits[12];
  std::size_t at = sizeof digits;
  digits[--at] = '\n';
  do {
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  print(digits + at, sizeof digits - at);
}

}  // namespace

extern "C" [[noreturn]] void start_from(long* stack);

extern "C" [[noreturn]] void start_from(long* stack) {
  const long count = stack[0];
  char** argv = reinterpret_cast<char**>(stack + 1);
  char** environment = argv + count + 1;
  const long child = call(__NR_clone, kCloneVm | kCloneVfork | kChildSignal);
  if (child == 0) {
    call(__NR_execve, address(argv[1]), address(argv + 1), address(environment));
    call(__NR_exit, 126);
  }
  int status = 0;
  call(__NR_wait4, child, address(&status));
  if ((status & 0x7f) == 0) {
    print("exited ", 7);
    print_number((status >> 8) & 0xff);
  } else {
    print("killed by ", 10);
    print_number(status & 0x7f);
  }
  for (;;) {
    call(__NR_exit_group, 0);
  }
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start_from\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x0, sp\n bl start_from\n");
#endif
