#!/usr/bin/env python3
"""T10: whatever is killed, nothing of agentuser outlives it by more than a second, and what need
not die goes on."""

import os
import pathlib
import signal
import subprocess
import time

from harness import AGENTUSER, ENGINE, TRAP, Checks, Session, need_root, victim, wait_until

SLEEPS = "for i in 1 2 3; do sleep 1000 & done; setsid sleep 1000 & echo up; wait"


def sleeping(session):
    return [p for p in session.processes() if p.uid == AGENTUSER and "sleep 1000" in p.cmdline()]


def with_sleepers(checks, name, script=SLEEPS, wanted=4):
    """A session whose one command has `wanted` sleeping processes, one of them in a new session."""
    session = Session([victim("as_command"), "/bin/bash", "-c", script]).start()
    up = session.ready(condition=lambda: len(sleeping(session)) >= wanted)
    checks.check(f"{name}: the command is up", up, str(session.processes()))
    session.remember_namespaces()
    return session


def nothing_left(checks, name, session):
    gone = wait_until(lambda: not session.survivors(), 1)
    checks.check(f"{name}: nothing is left after a second", gone, str(session.survivors()))


def relay_killed(checks):
    session = with_sleepers(checks, "kill -9 of the relay")
    relays = session.find(exe="agent-relay")
    checks.equal("kill -9 of the relay: there is one relay", len(relays), 1)
    for relay in relays:
        relay.kill()
    gone = wait_until(lambda: not sleeping(session), 1)
    checks.check("kill -9 of the relay: its command's tree is gone", gone, str(sleeping(session)))
    checks.equal("kill -9 of the relay: the caller sees it", session.finish(10).status, 128 + 9)
    nothing_left(checks, "kill -9 of the relay", session)


def cli_killed(checks):
    session = with_sleepers(checks, "kill -9 of the CLI")
    cli = session.find(uid=1001, comm="as_command")
    checks.equal("kill -9 of the CLI: there is one", len(cli), 1)
    cli[0].kill()
    checks.equal("kill -9 of the CLI: status", session.finish(10).status, 128 + 9)
    nothing_left(checks, "kill -9 of the CLI", session)


def outside_killed(checks, name, choose, number=signal.SIGKILL):
    session = with_sleepers(checks, name)
    os.kill(choose(session), number)
    nothing_left(checks, name, session)
    result = session.finish(10)
    checks.check(f"{name}: the launcher ends", result.status not in (0, "timeout"), str(result))


def runner_killed(checks):
    """A running command does not notice; its status still arrives."""
    script = "sleep 1.5; echo late; exit 7"
    session = Session([victim("as_command"), "/bin/sh", "-c", script]).start()
    session.ready(condition=lambda: session.find(uid=AGENTUSER, argument="sleep 1.5"))
    runner = session.runner()
    runner.kill()
    if TRAP == "trace":
        # It traces the CLI, which does not run on without it.
        result = session.finish(20)
        checks.equal("kill -9 of the tracer: the session's status", result.status, 125)
        checks.check("kill -9 of the tracer: the session says why",
                     "the session ends (tracer-lost): agent-task-runnerd" in result.stderr,
                     str(result))
        return
    fresh = session.ready(2, lambda: session.runner() and session.runner().pid != runner.pid)
    checks.check("kill -9 of the runner: there is a new one", fresh)
    result = session.finish(20)
    checks.equal("kill -9 of the runner: the command's status", result.status, 7)
    checks.equal("kill -9 of the runner: the command's output", result.stdout, "late\n")


def auditd_killed(checks):
    script = f"{victim('as_command')} sleep 0.7; /bin/echo after"
    session = Session(["/bin/sh", "-c", script]).start()
    session.ready(condition=lambda: session.find(uid=1002))
    auditd = session.find(uid=1002)
    checks.equal("kill -9 of auditd: there is one", len(auditd), 1)
    auditd[0].kill()
    result = session.finish(20)
    checks.equal("kill -9 of auditd: commands go on", (result.status, result.stdout), (0, "after\n"))


def spawner_killed(checks):
    """Without it there are no commands: the session ends, though the CLI would go on."""
    script = f"({victim('as_command')} /bin/bash -c '{SLEEPS}'); read wait"
    session = Session(["/bin/bash", "-c", script], stdin=subprocess.PIPE).start()
    session.ready(condition=lambda: len(sleeping(session)) >= 4)
    session.remember_namespaces()
    session.spawner().kill()
    nothing_left(checks, "kill -9 of the spawner", session)
    result = session.finish(10)
    checks.check("kill -9 of the spawner: the session ends and says why",
                 result.status not in (0, "timeout") and "agent-init: " in result.stderr,
                 str(result))


def server_across_commands(checks):
    """A server started in one command is seen and killed by its number in the next."""
    script = "; ".join([
        f"{victim('as_command')} sh -c 'sleep 1000 & echo $! >/workspace/pid'",
        f"{victim('as_command')} sh -c 'kill -0 $(cat /workspace/pid) && echo alive'",
        f"{victim('as_command')} sh -c 'kill $(cat /workspace/pid) && echo killed'",
        f"{victim('as_command')} sh -c 'sleep 0.1; kill -0 $(cat /workspace/pid) || echo gone'"])
    result = Session(["/bin/sh", "-c", script]).run(20)
    checks.equal("a server of an earlier command", result.stdout, "alive\nkilled\ngone\n")


ENDS_GROUP = """
import os, signal, subprocess, sys
for stubborn in "", "trap '' TERM; ":
    started = subprocess.Popen(
        ["sh", "-c", f"setsid sh -c '{stubborn}echo up; sleep 1000; sleep 1000' & wait"],
        stdout=subprocess.PIPE, text=True, start_new_session=True)
    started.stdout.readline()
    os.killpg(started.pid, signal.SIGTERM)
    print(started.wait(), repr(started.stdout.read()), flush=True)
"""


def group_ended(checks):
    """SIGTERM for a command's group: nothing keeps its pipes open, as who left the group might."""
    session = Session(["python3", "-c", ENDS_GROUP + "input()"], stdin=subprocess.PIPE).start()
    for what in "who left it", "who left it and ignores SIGTERM":
        began = time.monotonic()
        checks.equal(f"SIGTERM for a group ends {what}", session.process.stdout.readline(),
                     "-15 ''\n")
        print(f"measured: SIGTERM for a group, {what}: {time.monotonic() - began:.1f} s")
    checks.check("SIGTERM for a group: nothing is left", not sleeping(session), sleeping(session))
    session.close_input()
    session.finish(10)


def lingering_ends_with_session(checks):
    script = "sleep 1000 & setsid sleep 1000 & sleep 0.3"
    session = with_sleepers(checks, "lingering children", script, 2)
    checks.equal("lingering children: status", session.finish(10).status, 0)
    nothing_left(checks, "lingering children", session)


def command_attacks_its_keeper(checks):
    """A command that kills everything it can reach takes other commands along, and sandboxes that
    are parked: what is begun in the same milliseconds may end by SIGKILL, then all works again."""
    attack = f"{victim('as_command')} sh -c 'kill -9 -1; kill -9 $PPID; kill -9 1; sleep 5'"
    again = f"{victim('as_command')} echo still here"
    script = f"{attack}; echo $?; n=0; until {again} || [ $n -ge 20 ]; do n=$((n + 1)); done"
    result = Session(["/bin/sh", "-c", script]).run(30)
    checks.equal("kill -9 -1 in a command: the next ones run",
                 result.stdout.splitlines()[-1:], ["still here"])
    checks.equal("kill -9 -1 in a command: status", result.stdout.splitlines()[:1], ["137"])


def keeper_killed(checks):
    """In the session's pid namespace a command can kill the process that watches over it: both are
    agentuser's. What it leaves is not stopped by the profile's limits, but ends with the session.
    In a namespace of its own the keeper is pid 1 there and cannot be killed from inside."""
    script = "sleep 1000 & kill -9 $PPID; sleep 1000"
    session = Session(["/bin/bash", "-c", f"(/bin/bash -c '{script}'); echo $?; read wait"],
                      stdin=subprocess.PIPE).start()
    checks.equal("a killed keeper: the caller sees it", session.process.stdout.readline(), "137\n")
    session.remember_namespaces()
    print(f"measured: a killed keeper: left until the session ends: {len(sleeping(session))}")
    session.close_input()
    session.finish(10)
    nothing_left(checks, "a killed keeper", session)

    apart = Session([victim("as_command"), "/bin/bash", "-c", "kill -9 1; sleep 0.2; echo on"],
                    policy=pathlib.Path(__file__).parent / "isolated.json").run(20)
    checks.equal("a keeper that is pid 1 cannot be killed", apart.stdout, "on\n")


def main():
    need_root()
    checks = Checks()
    relay_killed(checks)
    cli_killed(checks)
    runner_killed(checks)
    auditd_killed(checks)
    spawner_killed(checks)
    outside_killed(checks, "kill -9 of PID 1", lambda s: s.init().pid)
    if ENGINE == "local":  # a container outlives it: tests/container/docker_channel.py
        outside_killed(checks, "kill -9 of the outer process", lambda s: s.process.pid)
    outside_killed(checks, "SIGTERM to the launcher", lambda s: s.process.pid, signal.SIGTERM)
    server_across_commands(checks)
    group_ended(checks)
    lingering_ends_with_session(checks)
    command_attacks_its_keeper(checks)
    keeper_killed(checks)
    time.sleep(0.1)
    checks.finish()


main()
