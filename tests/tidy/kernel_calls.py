#!/usr/bin/python3
"""errno and system calls are named only in os/ and in the files of kernel_calls.allow. No `throw`."""

import fnmatch
import pathlib
import re

import sources

# Calls that enter the kernel and report by errno. Those that cannot fail (getpid) are free.
CALLS = ("open openat openat2 creat read write pread pwrite readv writev close dup dup2 dup3 pipe pipe2 "
         "fcntl ioctl stat fstat fstatat lstat statx mkdir mkdirat mknod unlink unlinkat rename link "
         "symlink readlink readlinkat chmod fchmod fchmodat chown fchown lchown truncate ftruncate "
         "mount umount umount2 pivot_root chroot chdir fchdir unshare setns clone clone3 fork vfork "
         "execv execve execveat execvp fexecve posix_spawn wait waitpid waitid kill tgkill "
         "pidfd_open pidfd_send_signal ptrace process_vm_readv process_vm_writev prctl syscall "
         "setuid setgid setreuid setresuid setresgid setgroups socket socketpair bind listen accept "
         "accept4 connect send sendto sendmsg recv recvfrom recvmsg shutdown getsockopt setsockopt "
         "poll ppoll epoll_create1 epoll_ctl epoll_wait signalfd timerfd_create eventfd inotify_init1 "
         "inotify_add_watch mmap munmap mprotect mlock memfd_create sigaction sigprocmask "
         "setrlimit getrlimit prlimit flock fsync fdatasync").split()
CALL = re.compile(r"(?<![\w:>.])::(?:%s)\s*\(|\berrno\b" % "|".join(CALLS))
HERE = pathlib.Path(__file__).resolve().parent


def main():
    top = sources.root()
    allow = HERE / "kernel_calls.allow"
    allowed = [line.split("\t")[0] for line in allow.read_text().splitlines()
               if line and not line.startswith("#")]
    complaints = []
    for path in sources.cpp_files(top, tuple(sources.LAYERS)):
        name = path.relative_to(top).as_posix()
        for number, line in enumerate(sources.code_only(path.read_text()).splitlines(), 1):
            if re.search(r"\bthrow\b", line):
                complaints.append(f"{name}:{number}: throw")
            found = CALL.search(line)
            if found and not name.startswith("os/") and not any(
                    fnmatch.fnmatch(name, pattern) for pattern in allowed):
                complaints.append(f"{name}:{number}: {found.group(0).strip('(')} outside os/")
    if top == HERE.parent.parent:
        complaints += [f"kernel_calls.allow: {pattern} matches no file" for pattern in allowed
                       if not list(top.glob(pattern))]
    sources.report(complaints)


main()
