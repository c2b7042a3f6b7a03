#!/usr/bin/env python3
"""A command looks for the CLI's secret everywhere, kills and traces and writes outside: nothing."""

import os
import pathlib
import secrets as randomness
import time

from harness import (AGENTUSER, BUILD, Checks, Session, all_processes, native, need_root, read,
                     victim, workspace)


def new_canary():
    head, tail = "canary-" + randomness.token_hex(8), randomness.token_hex(8)
    return head + tail, f"{head}+{tail}"  # the second is what command lines may hold


def control(checks):
    """The hunter finds a canary planted in each place where it looks."""
    canary, parts = new_canary()
    space = workspace()
    (space / "planted").write_text(canary)
    hunter = [victim("hunt"), parts, space]
    # The hunt takes its time in a full /tmp: the processes to be found wait for its end.
    found = native(["sh", "-c", f'CANARY={canary} sleep 200 >/dev/null 2>&1 & a=$!; '
                    f'sh -c "sleep 200; : {canary}" >/dev/null 2>&1 & b=$!; sleep 0.5; '
                    f'env CANARY={canary} {" ".join(map(str, hunter))} {canary}; kill $a $b'])
    hits = " ".join(found.all("HIT"))
    for place in ("planted", "/environ", "/cmdline", "/mem", "environment", "argument"):
        checks.check(f"control: found in {place}", place in hits, str(found))


def hunt(checks, name, argv_of, options=()):
    canary, parts = new_canary()
    space = workspace()
    session = Session(argv_of(parts), space=space, options=options, secrets={"API_KEY": canary})
    result = session.run(240)
    facts = result.facts()
    checks.equal(f"{name}: ended", result.status, 0)
    checks.check(f"{name}: it looked", result.number("files") > 20, str(result))
    checks.equal(f"{name}: hits", (facts.get("hits"), result.all("HIT")), ("0", []))
    for what, outcome in facts.items():
        if what.startswith("write "):
            checks.check(f"{name}: {what}", outcome in ("EROFS", "EACCES", "EPERM", "ENOENT"),
                         outcome)
    outside_untouched(checks, name)
    return canary, space


def outside_untouched(checks, name):
    for path in ("/etc/planted", "/usr/bin/planted", "/planted", "/run/planted", "/opt/planted"):
        checks.check(f"{name}: {path} is not on the host", not os.path.exists(path))


def attack_cli(checks):
    """The CLI runs and holds its secret while the command attacks every number it can think of."""
    canary, parts = new_canary()
    script = ("for p in $(seq 1 400) $(ls /proc | grep '^[0-9]'); do "
              "[ $p = $$ ] || [ $p = $PPID ] || kill -9 $p; "
              "cat /proc/$p/environ /proc/$p/mem /proc/$p/root/run/agent-secrets/*/*; "
              "done 2>/dev/null | grep -c canary; "
              "cat /run/agent-secrets/custom/API_KEY 2>&1; gdb -p 2 -batch 2>&1 | tail -n 1; "
              "echo end")
    argv = ["/bin/bash", "-c", 'read key </run/agent-secrets/custom/API_KEY; '
            '/bin/bash -c "$0"; echo "alive ${#key}"', script]
    result = Session(argv, secrets={"API_KEY": canary}).run(120)
    checks.check("the CLI is alive and has its key", f"alive {len(canary)}" in result.stdout,
                 str(result))
    checks.check("the command never saw it", canary not in result.stdout and
                 canary not in result.stderr, "the canary was printed")
    checks.check("the command saw no file of the secret",
                 "No such file or directory" in result.stdout, str(result))


def host_scan(checks):
    """While it is in use, no command line, environment or world-readable place has it."""
    canary, _ = new_canary()
    space = workspace()
    events = workspace() / "events"
    argv = ["/bin/bash", "-c",
            f'read key </run/agent-secrets/custom/API_KEY; {victim("as_command")} sleep 2']
    with Session(argv, space=space, secrets={"API_KEY": canary},
                 options=["--events", events]) as session:
        session.ready(condition=lambda: session.find(uid=AGENTUSER, argument="sleep"))
        time.sleep(0.3)
        hits = [f"{p.pid} {p.comm}" for p in all_processes()
                for kind in ("cmdline", "environ") if canary in read(f"/proc/{p.pid}/{kind}")]
        checks.equal("no command line or environment holds it", hits, [])
        result = session.finish(20)
    checks.check("it is not on any stream", canary not in result.stdout + result.stderr)
    checks.check("it is not in the events", events.exists() and canary not in read(events))
    places = [path for top in (space, pathlib.Path("/tmp"), pathlib.Path("/var/tmp"))
              for path in files_with(top, canary)]
    checks.equal("no file of the host holds it", places, [])


def files_with(top, canary):
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if str(BUILD) not in f"{folder}/{name}"]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.path.getsize(path) < 1 << 20 and canary in read(path):
                yield path


def main():
    need_root()
    checks = Checks()
    control(checks)
    hunt(checks, "hunt", lambda parts: [victim("as_command"), victim("hunt"), parts])
    attack_cli(checks)
    host_scan(checks)
    checks.finish()


main()
