#!/usr/bin/env python3
"""T1 and T3: vfork, posix_spawn, many threads and exec from a thread: the caller stays whole."""

from harness import Checks, Session, count, native, need_root, victim


def vfork_parent(checks):
    result = Session([victim("vfork_parent"), count(1000)]).run()
    facts = result.facts()
    checks.equal("five ways of sharing memory were tried", len(facts), 10)
    for what, number in facts.items():
        checks.equal(what, number, "0")


def many_threads(checks):
    spawns = count(20000)
    load = Session([victim("spawn_load"), 32, spawns, 7, "/bin/sh", "-c", "exit 7"]).run(900)
    checks.equal("32 threads: every spawn gives the command's status",
                 load.facts().get("as-expected exit 7"), str(spawns))
    checks.equal("32 threads: no other outcome",
                 [line for line in load.stdout.splitlines() if line.startswith("other")], [])


def exec_from_a_thread(checks):
    times = count(500)
    result = Session([victim("thread_exec"), times]).run(300)
    checks.equal("exec from a thread ran", result.facts().get("runs"), str(times))
    checks.equal("exec from a thread, wrong ends", result.facts().get("wrong"), "0")


def control(checks):
    """The same victims see a wrong status where there is one."""
    load = native([victim("spawn_load"), 2, 10, 7, "/bin/sh", "-c", "exit 8"])
    checks.equal("control: a wrong status is counted", load.facts().get("other exit 8"), "10")


def main():
    need_root()
    checks = Checks()
    control(checks)
    vfork_parent(checks)
    many_threads(checks)
    exec_from_a_thread(checks)
    checks.finish()


main()
