#!/usr/bin/env python3
"""10 000 execs leave no descriptor, mount, process or zombie behind."""

import subprocess
import time

from harness import (AGENTCLI, AGENTUSER, Checks, Process, Session, count, inode, need_root,
                     tree_of, victim, wait_until)

# A CLI that does its work in rounds, so that the host can look in between.
ROUNDS = "while read n; do {load} 16 $n 0 /bin/true >/dev/null && echo done; done"


def snapshot(session):
    """Name of each lasting process -> its descriptors and mounts. Parked sandboxes come and go:
    what counts is how many there are and what they hold."""
    found = {}
    for process in session.processes():
        if process.uid == AGENTCLI:
            continue
        name = process.comm if process.uid == AGENTUSER else f"{process.comm} {process.inner_pid()}"
        found.setdefault(name, []).append((process.fds(), process.mounts()))
    return {name: sorted(held) for name, held in found.items()}


def counts(session):
    processes = session.processes()
    return {
        "processes": len(processes),
        "zombies": len([p for p in processes if p.state == "Z"]),
        "mounts of the host": Process(1).mounts(),
        "mounts of PID 1": session.init().mounts(),
        "mount namespaces": len({inode(f"/proc/{p.pid}/ns/mnt") for p in processes}),
    }


def round_of(session, spawns):
    session.process.stdin.write(f"{spawns}\n")
    session.process.stdin.flush()
    return session.process.stdout.readline().strip()


def main():
    need_root()
    checks = Checks()
    script = ROUNDS.format(load=victim("spawn_load"))
    session = Session(["/bin/sh", "-c", script], stdin=subprocess.PIPE)
    with session:
        checks.equal("a first round, which fills pools", round_of(session, 200), "done")
        time.sleep(0.5)
        before, fds_before = counts(session), snapshot(session)
        spawns = count(10000)
        checks.equal(f"{spawns} execs", round_of(session, spawns), "done")
        wait_until(lambda: counts(session) == before, 3)
        after, fds_after = counts(session), snapshot(session)
        for what, number in before.items():
            checks.equal(what, after[what], number)
        checks.equal("lasting processes", set(fds_after), set(fds_before))
        for name, had in fds_before.items():
            checks.equal(f"descriptors and mounts of {name}", fds_after.get(name), had)
        session.remember_namespaces()
        session.close_input()
        checks.equal("the session ends", session.process.wait(10), 0)
    checks.check("nothing of it is left", wait_until(lambda: not session.survivors(), 1),
                 str(session.survivors()))
    checks.equal("no child of the launcher is left", tree_of(session.process.pid), [])
    checks.finish()


main()
