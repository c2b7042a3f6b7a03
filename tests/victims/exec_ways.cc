// T11: every way into execution that the kernel has, one process each.
//   exec_ways DYNAMIC STATIC [SCRIPT]      programs that print "ran as UID" (mark_uid)
// Lines that the programs print come between ours; ours tell how each way ended.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <csignal>
#include <fstream>
#include <vector>

#include "tests/victims/victim.h"

namespace {

constexpr int kExecveCheck = 0x10000;  // AT_EXECVE_CHECK, Linux 6.14
constexpr unsigned kMemfdExec = 0x10;  // MFD_EXEC, Linux 6.3

struct Programs {
  std::string dynamic_one;
  std::string static_one;
};

char* const* arguments() {
  static char name[] = "mark_uid";
  static char* argv[] = {name, nullptr};
  return argv;
}

/// One way: the errno of the exec, or the end of the process that it became.
template <class Attempt>
void way(const std::string& name, Attempt attempt) {
  victim::say("> " + name, "");
  const std::string end = victim::in_child([&] {
    errno = 0;
    attempt();
    victim::say("= " + name, victim::errno_name(errno));
    return 0;
  });
  if (end != "exit 0") victim::say("= " + name, end);
}

int open_path(const std::string& path, int flags) { return open(path.c_str(), flags | O_CLOEXEC); }

long execveat_with(int fd, const char* path, int flags, long sixth = 0) {
  return syscall(SYS_execveat, fd, path, arguments(), environ, flags, sixth);
}

void plain_ways(const Programs& programs) {
  way("execve", [&] { execve(programs.dynamic_one.c_str(), arguments(), environ); });
  way("execve of a static program",
      [&] { execve(programs.static_one.c_str(), arguments(), environ); });
  way("execve by /proc/self/fd", [&] {
    const int fd = open(programs.dynamic_one.c_str(), O_RDONLY);  // NOLINT(android-cloexec-open)
    execve(("/proc/self/fd/" + std::to_string(fd)).c_str(), arguments(), environ);
  });
  way("execve by /proc/thread-self/root", [&] {
    execve(("/proc/thread-self/root" + programs.dynamic_one).c_str(), arguments(), environ);
  });
  way("execve in a process cloned with CLONE_UNTRACED", [&] {
    const long child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
      execve(programs.static_one.c_str(), arguments(), environ);
      _exit(errno);
    }
    waitpid(static_cast<pid_t>(child), nullptr, 0);
  });
  way("ld.so program", [&] {
    char loader[] = "/lib64/ld-linux-x86-64.so.2";
    std::string path = programs.dynamic_one;
    char* argv[] = {loader, path.data(), nullptr};
    execve(loader, argv, environ);
  });
  way("uselib", [&] { syscall(SYS_uselib, programs.static_one.c_str()); });
}

void execveat_ways(const Programs& programs) {
  const std::string dir = programs.dynamic_one.substr(0, programs.dynamic_one.rfind('/'));
  const std::string name = programs.dynamic_one.substr(dir.size() + 1);
  way("execveat AT_FDCWD", [&] { execveat_with(AT_FDCWD, programs.dynamic_one.c_str(), 0); });
  way("execveat directory",
      [&] { execveat_with(open_path(dir, O_RDONLY | O_DIRECTORY), name.c_str(), 0); });
  way("execveat O_PATH directory", [&] { execveat_with(open_path(dir, O_PATH), name.c_str(), 0); });
  way("execveat AT_EMPTY_PATH",
      [&] { execveat_with(open_path(programs.dynamic_one, O_RDONLY), "", AT_EMPTY_PATH); });
  way("execveat AT_EMPTY_PATH O_PATH",
      [&] { execveat_with(open_path(programs.dynamic_one, O_PATH), "", AT_EMPTY_PATH); });
  way("execveat AT_SYMLINK_NOFOLLOW",
      [&] { execveat_with(AT_FDCWD, programs.dynamic_one.c_str(), AT_SYMLINK_NOFOLLOW); });
  way("execveat AT_SYMLINK_NOFOLLOW of a symlink",
      [&] { execveat_with(AT_FDCWD, "/proc/self/exe", AT_SYMLINK_NOFOLLOW); });
  way("execveat both flags", [&] {
    execveat_with(open_path(programs.dynamic_one, O_PATH), "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
  });
  way("execveat unknown flag",
      [&] { execveat_with(AT_FDCWD, programs.dynamic_one.c_str(), 0x40000); });
  way("execveat AT_EXECVE_CHECK",
      [&] { execveat_with(AT_FDCWD, programs.dynamic_one.c_str(), kExecveCheck); });
  way("execveat AT_EXECVE_CHECK AT_EMPTY_PATH", [&] {
    execveat_with(open_path(programs.dynamic_one, O_PATH), "", kExecveCheck | AT_EMPTY_PATH);
  });
  way("execveat bad descriptor", [&] { execveat_with(99, name.c_str(), 0); });
  way("execveat empty path without flag", [&] { execveat_with(AT_FDCWD, "", 0); });
  // The number that lets the runner's own re-execution through; nobody traces us.
  way("cookie in the sixth argument, execveat", [&] {
    execveat_with(open_path(programs.static_one, O_PATH), "", AT_EMPTY_PATH, 0x4147583141475831);
  });
  way("cookie in the sixth argument, execve", [&] {
    syscall(SYS_execve, programs.static_one.c_str(), arguments(), environ, 0, 0,
            0x4147583141475831);
  });
}

void exec_memory(const std::string& bytes, unsigned flags) {
  const int memory = memfd_create("program", flags);
  if (memory == -1) {
    victim::say("memfd_create", victim::errno_name(errno));
    return;
  }
  if (write(memory, bytes.data(), bytes.size()) < 0) return;
  fchmod(memory, 0755);
  fexecve(memory, arguments(), environ);
}

void memory_ways(const Programs& programs) {
  const std::string static_bytes = victim::bytes_of(programs.static_one);
  const std::string dynamic_bytes = victim::bytes_of(programs.dynamic_one);
  const std::string script = "#!/bin/sh\nexec id -u\n";
  for (const auto& [name, flags] :
       {std::pair("default", 0U), std::pair("MFD_EXEC", kMemfdExec), std::pair("sealed", 8U)}) {
    const std::string suffix = std::string(", ") + name;
    way("memfd static" + suffix, [&, flags = flags] { exec_memory(static_bytes, flags); });
    way("memfd dynamic" + suffix, [&, flags = flags] { exec_memory(dynamic_bytes, flags); });
    way("memfd script" + suffix, [&, flags = flags] { exec_memory(script, flags); });
  }
}

/// Code that never goes through exec: pages made executable from a file or from data.
void mapping_ways(const Programs& programs) {
  way("mmap PROT_EXEC of a written file", [&] {
    const std::string path = "mapped";
    std::ofstream(path, std::ios::binary) << victim::bytes_of(programs.static_one);
    const int fd = open_path(path, O_RDONLY);
    void* page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (page != MAP_FAILED) errno = 0;
  });
}

#if defined(__x86_64__)
void foreign_ways(const Programs& programs) {
  // i386 calls take 32-bit pointers: the strings must lie low.
  way("int 0x80 execve", [&] {
    char* low = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
    std::strcpy(low, programs.static_one.c_str());  // NOLINT(clang-analyzer-security.*)
    long result = 11;                               // __NR_execve of i386
    asm volatile("int $0x80" : "+a"(result) : "b"(low), "c"(0), "d"(0) : "memory");
    errno = static_cast<int>(-result);
  });
  way("int 0x80 getpid", [] {
    long result = 20;
    asm volatile("int $0x80" : "+a"(result) : : "memory");
    errno = 0;
  });
  way("x32 execve",
      [&] { syscall(0x40000000 + 520, programs.static_one.c_str(), arguments(), environ); });
  way("x32 getpid", [] { syscall(0x40000000 + SYS_getpid); });
  way("64-bit call number with the x32 bit",
      [&] { syscall(0x40000000 + SYS_execve, programs.static_one.c_str(), arguments(), environ); });
  way("call number with high bits", [&] {
    long result = static_cast<long>(0x100000000UL | SYS_execve);
    register long r10 asm("r10") = 0;
    asm volatile("syscall"
                 : "+a"(result)
                 : "D"(programs.static_one.c_str()), "S"(arguments()), "d"(environ), "r"(r10)
                 : "rcx", "r11", "memory");
    errno = static_cast<int>(-result);
  });
}
#else
void foreign_ways(const Programs& /*programs*/) {}
#endif

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  const Programs programs = {argv[1], argv[2]};
  plain_ways(programs);
  execveat_ways(programs);
  memory_ways(programs);
  mapping_ways(programs);
  foreign_ways(programs);
  return 0;
}
