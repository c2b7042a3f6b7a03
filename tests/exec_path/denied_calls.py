#!/usr/bin/env python3
"""Every call that a filter refuses gives its errno, to the CLI and to commands."""

import subprocess

from harness import Checks, Result, Session, clean_env, command, need_root, victim

EPERM = ("unshare NEWUSER|unshare NEWNS|unshare NEWPID|setns|clone NEWUSER|clone NEWNS|"
         "clone NEWPID|clone NEWNET|clone NEWIPC|clone NEWUTS|clone NEWCGROUP|ptrace TRACEME|"
         "ptrace SEIZE|process_vm_readv|process_vm_writev|pidfd_getfd|kcmp|"
         "io_uring_setup|io_uring_enter|io_uring_register|bpf|userfaultfd|perf_event_open|"
         "keyctl|add_key|request_key|init_module|finit_module|delete_module|kexec_load|"
         "TIOCSTI|TIOCSTI, high bits|TIOCLINUX|mount|umount2|open_tree|move_mount|fsopen|"
         "fsconfig|fsmount|fspick|mount_setattr|pivot_root|chroot").split("|")
CLI = {**{name: "EPERM" for name in EPERM}, "clone3": "ENOSYS",
       "seccomp NEW_LISTENER": "EBUSY",
       # Neither is a way out; refusing them would break ordinary programs.
       "unshare FILES": "EPERM", "seccomp without listener": "ok"}

# Debuggers work in a sandbox; new namespaces and the kernel's wider surface do not.
COMMAND = {
    "unshare NEWUSER": "EPERM", "clone NEWUSER": "EPERM", "clone3": "ENOSYS",
    "ptrace TRACEME": "ok", "io_uring_setup": "EPERM", "io_uring_enter": "EPERM",
    "io_uring_register": "EPERM", "bpf": "EPERM", "userfaultfd": "EPERM",
    "perf_event_open": "EPERM", "keyctl": "EPERM", "add_key": "EPERM", "request_key": "EPERM",
    "init_module": "EPERM", "finit_module": "EPERM", "delete_module": "EPERM",
    "TIOCSTI": "EPERM", "TIOCSTI, high bits": "EPERM", "TIOCLINUX": "EPERM",
    "mount": "EPERM", "unshare NEWNS": "EPERM", "unshare NEWPID": "EPERM", "chroot": "EPERM",
    "pivot_root": "EPERM", "setns": "EPERM"}


def control():
    """The victim as a user who has every capability over namespaces of its own."""
    argv = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups",
            "unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "--pid", "--fork",
            victim("denied_calls")]
    done = subprocess.run(argv, text=True, capture_output=True, timeout=60, check=False,
                          env=clean_env())
    return Result(done.returncode, done.stdout, done.stderr).facts()


def main():
    need_root()
    checks = Checks()
    free = control()
    works = [name for name, outcome in free.items() if outcome == "ok"]
    checks.check("control: most calls work where nothing refuses them", len(works) >= 25,
                 str(free))
    cli = Session([victim("denied_calls")]).run(60)
    for name, outcome in CLI.items():
        checks.equal(f"CLI: {name}", cli.facts().get(name), outcome)
    task = Session(command("denied_calls")).run(60)
    for name, outcome in COMMAND.items():
        checks.equal(f"command: {name}", task.facts().get(name), outcome)
    checks.finish()


main()
