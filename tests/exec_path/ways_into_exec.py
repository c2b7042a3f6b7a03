#!/usr/bin/env python3
"""T11: every way into execution, tried by the CLI: what runs, runs as agentuser."""

import re

from harness import (AGENTUSER, ENGINE, TRAP, Checks, Session, escaped, native, need_root, victim,
                     workspace)

# The outcome natively where it differs from "ran as agentuser": errno or how the process ended.
FAILS = {
    # No kernel has it any more; a container's own filter has said no before.
    "uselib": {"EPERM" if ENGINE == "docker" else "ENOSYS"},
    "execveat AT_SYMLINK_NOFOLLOW of a symlink": {"ELOOP"},
    "execveat unknown flag": {"EINVAL"},
    "execveat bad descriptor": {"EBADF"},
    "execveat empty path without flag": {"ENOENT"},
    # Nothing is executed by a check, so there is nothing to redirect: refused.
    "execveat AT_EXECVE_CHECK": {"EACCES", "EINVAL"},
    "execveat AT_EXECVE_CHECK AT_EMPTY_PATH": {"EACCES", "EINVAL"},
    "cookie in the sixth argument, execveat": {"ENOSYS"},
    "cookie in the sixth argument, execve": {"ENOSYS"},
    # A link to the caller's own root is not followed: the command has another one.
    "execve by /proc/thread-self/root": {"ELOOP", "ENOENT"},
    "mmap PROT_EXEC of a written file": {"EPERM", "EACCES"},
    "int 0x80 execve": {"signal 31"},
    "int 0x80 getpid": {"signal 31"},
    "x32 execve": {"signal 31"},
    "x32 getpid": {"signal 31"},
    "64-bit call number with the x32 bit": {"signal 31"},
}
if TRAP == "trace":  # there a sixth argument says nothing
    FAILS = {name: ends for name, ends in FAILS.items() if not name.startswith("cookie")}
MAY_RUN = "ran as agentuser"


def ways(text):
    """Name of each way -> (uids it ran as, how it ended or None)."""
    found = {}
    for part in re.split(r"^> ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = part.partition("\t\n")
        uids = escaped(rest) | set(re.findall(r"^(\d+)$", rest, re.MULTILINE))
        end = re.search(r"^= " + re.escape(name) + r"\t(.*)$", rest, re.MULTILINE)
        found[name] = (uids, end.group(1) if end else None)
    return found


def judge(checks, name, uids, end):
    checks.check(f"{name}: nothing ran as anybody else", uids <= {str(AGENTUSER)}, str(uids))
    if name in FAILS:
        checks.check(f"{name}: fails", end in FAILS[name] and not uids, f"{end} {uids}")
    elif name.startswith("memfd"):
        # vm.memfd_noexec=2 refuses to make them, or the exec finds nothing in the sandbox's tree.
        checks.check(f"{name}: fails or runs as agentuser", bool(uids) != (end is not None),
                     f"{end} {uids}")
    else:
        checks.check(f"{name}: {MAY_RUN}", uids == {str(AGENTUSER)}, f"{end} {uids}")


def main():
    need_root()
    checks = Checks()
    argv = [victim("exec_ways"), victim("mark_uid"), victim("mark_uid_static")]
    plain = ways(native(argv, cwd=workspace()).stdout)
    session = Session(argv).run(120)
    trapped = ways(session.stdout)
    checks.check("all ways were tried", list(plain) == list(trapped), str(session))
    ran = [name for name, (uids, _) in plain.items() if uids]
    checks.check("control: natively most of them run", len(ran) > 20, str(ran))
    for name, (uids, end) in trapped.items():
        judge(checks, name, uids, end)

    # The same from a command: nothing traps it there, and nothing needs to.
    inside = ways(Session([victim("as_command"), *argv]).run(120).stdout)
    for name, (uids, _) in inside.items():
        checks.check(f"as a command, {name}: as agentuser at most", uids <= {str(AGENTUSER)},
                     str(uids))
    for name in ("int 0x80 execve", "x32 execve"):
        checks.equal(f"as a command, {name}", inside.get(name, (0, 0))[1], "signal 31")
    checks.finish()


main()
