// Tries every system call that the filters refuse and prints what it gave, one process each.
//   denied_calls         the calls of the vendor CLI's filter; those of a sandbox are among them
// Arguments are such that a call that is not refused does something harmless or fails otherwise.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <csignal>
#include <functional>
#include <vector>

#include "tests/victims/victim.h"

namespace {

struct Call {
  const char* name;
  std::function<long()> attempt;
};

long listener() {
  sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const sock_fprog program = {1, &allow};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

long stricter_filter() {
  sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const sock_fprog program = {1, &allow};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

long clone_with(unsigned long flags) {
  const long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  return child;
}

long terminal_call(unsigned long request) {
  const int terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  char letter = 'x';
  return ioctl(terminal, request, &letter);
}

/// The kernel looks at 32 bits of the request only; so must a filter.
long terminal_call_high_bits() {
  const int terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  char letter = 'x';
  return syscall(SYS_ioctl, terminal, 0x100000000UL | TIOCSTI, &letter);
}

long read_memory(long number) {
  static char from[8] = "secret";
  static char to[8];
  iovec local = {to, sizeof(to)};
  iovec remote = {from, sizeof(from)};
  return syscall(number, getpid(), &local, 1, &remote, 1, 0);
}

std::vector<Call> namespace_calls() {
  return {{"unshare NEWUSER", [] { return unshare(CLONE_NEWUSER); }},
          {"unshare NEWNS", [] { return unshare(CLONE_NEWNS); }},
          {"unshare NEWPID", [] { return unshare(CLONE_NEWPID); }},
          {"unshare FILES", [] { return unshare(CLONE_FILES); }},
          {"setns", [] { return setns(open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC), 0); }},
          {"clone NEWUSER", [] { return clone_with(CLONE_NEWUSER); }},
          {"clone NEWNS", [] { return clone_with(CLONE_NEWNS); }},
          {"clone NEWPID", [] { return clone_with(CLONE_NEWPID); }},
          {"clone NEWNET", [] { return clone_with(CLONE_NEWNET); }},
          {"clone NEWIPC", [] { return clone_with(CLONE_NEWIPC); }},
          {"clone NEWUTS", [] { return clone_with(CLONE_NEWUTS); }},
          {"clone NEWCGROUP", [] { return clone_with(CLONE_NEWCGROUP); }},
          {"clone3", [] { return syscall(SYS_clone3, nullptr, 0); }}};
}

std::vector<Call> process_calls() {
  return {{"ptrace TRACEME", [] { return ptrace(PTRACE_TRACEME, 0, 0, 0); }},
          {"ptrace SEIZE", [] { return ptrace(PTRACE_SEIZE, getppid(), 0, 0); }},
          {"process_vm_readv", [] { return read_memory(SYS_process_vm_readv); }},
          {"process_vm_writev", [] { return read_memory(SYS_process_vm_writev); }},
          {"process_madvise", [] { return syscall(SYS_process_madvise, -1, nullptr, 0, 0, 0); }},
          {"pidfd_getfd",
           [] {
             const long pidfd = syscall(SYS_pidfd_open, getpid(), 0);
             return syscall(SYS_pidfd_getfd, pidfd, 0, 0);
           }},
          {"kcmp", [] { return syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 0); }},
          {"seccomp NEW_LISTENER", listener},
          {"seccomp without listener", stricter_filter}};
}

std::vector<Call> kernel_calls() {
  return {{"io_uring_setup",
           [] {
             char parameters[120] = {};
             return syscall(SYS_io_uring_setup, 4, parameters);
           }},
          {"io_uring_enter", [] { return syscall(SYS_io_uring_enter, -1, 0, 0, 0, 0, 0); }},
          {"io_uring_register", [] { return syscall(SYS_io_uring_register, -1, 0, 0, 0); }},
          {"bpf", [] { return syscall(SYS_bpf, 0, nullptr, 0); }},
          {"userfaultfd", [] { return syscall(SYS_userfaultfd, O_CLOEXEC | 1); }},
          {"perf_event_open", [] { return syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
          {"keyctl", [] { return syscall(SYS_keyctl, 0, -3, 1); }},
          {"add_key", [] { return syscall(SYS_add_key, "user", "x", "y", 1, -3); }},
          {"request_key", [] { return syscall(SYS_request_key, "user", "x", nullptr, -3); }},
          {"init_module", [] { return syscall(SYS_init_module, nullptr, 0, ""); }},
          {"finit_module", [] { return syscall(SYS_finit_module, -1, "", 0); }},
          {"delete_module", [] { return syscall(SYS_delete_module, "x", 0); }},
          {"kexec_load", [] { return syscall(SYS_kexec_load, 0, 0, nullptr, 0); }},
          {"TIOCSTI", [] { return terminal_call(TIOCSTI); }},
          {"TIOCSTI, high bits", terminal_call_high_bits},
          {"TIOCLINUX", [] { return terminal_call(TIOCLINUX); }}};
}

std::vector<Call> mount_calls() {
  return {{"mount", [] { return syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, nullptr); }},
          {"umount2", [] { return syscall(SYS_umount2, "/no-such-place", 0); }},
          {"open_tree", [] { return syscall(SYS_open_tree, AT_FDCWD, "/", 0); }},
          {"move_mount", [] { return syscall(SYS_move_mount, -1, "", -1, "", 0); }},
          {"fsopen", [] { return syscall(SYS_fsopen, "tmpfs", 1); }},
          {"fsconfig", [] { return syscall(SYS_fsconfig, -1, 0, nullptr, nullptr, 0); }},
          {"fsmount", [] { return syscall(SYS_fsmount, -1, 0, 0); }},
          {"fspick", [] { return syscall(SYS_fspick, AT_FDCWD, "/", 1); }},
          {"mount_setattr",
           [] {
             unsigned long attributes[4] = {};
             return syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, attributes, sizeof(attributes));
           }},
          {"pivot_root", [] { return syscall(SYS_pivot_root, "/", "/"); }},
          {"chroot", [] { return chroot("/"); }},
          {"open_by_handle_at", [] { return syscall(SYS_open_by_handle_at, -1, nullptr, 0); }}};
}

void say_all(const std::vector<Call>& calls) {
  for (const Call& call : calls) {
    const std::string end = victim::in_child([&call] {
      const long result = call.attempt();
      victim::say(call.name, victim::outcome(result));
      return 0;
    });
    if (end != "exit 0") victim::say(call.name, end);
  }
}

}  // namespace

int main() {
  victim::refuse_root();
  say_all(namespace_calls());
  say_all(process_calls());
  say_all(kernel_calls());
  say_all(mount_calls());
  return 0;
}
