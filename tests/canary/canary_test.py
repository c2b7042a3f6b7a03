"""A session's secret is nowhere but with its CLI. Another value, planted in each place that is
looked at, is found in each."""

import json
import os
import pathlib
import secrets
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
os.environ["VICTIMS_DIR"] = str(HERE)  # what the session sees besides the system: cli.sh, scan.py
sys.path[:0] = [str(HERE.parent / "exec_path"), str(HERE.parent / "audit")]

from harness import AGENTCLI, AGENTUSER, Checks, Session, need_root, read, workspace  # noqa: E402
import event_schemas  # noqa: E402
import scan  # noqa: E402

SECRET, PLANTED = 0, 1
LOG = "run/agent-task-runner/events.log"
HOST_PLACES = ("/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/var")


def new_value():
    """Changes under each encoding."""
    return f'canary-{secrets.token_hex(8)}"+/&{secrets.token_hex(8)}'


def lines_until(session, last):
    """What the session prints up to a line."""
    lines = []
    for line in session.process.stdout:
        lines.append(line.rstrip("\n"))
        if lines[-1] == last:
            break
    return lines


def places_in(lines, phase, number):
    start = f"{phase}\thit\t{number}\t"
    return [line.removeprefix(start) for line in lines if line.startswith(start)]


def check_sandbox(checks, lines, phase):
    """What a command found, with all of agentuser's rights."""
    found = places_in(lines, phase, PLANTED)
    for place in ("/workspace/planted-by-cli", "/workspace/planted-by-command",
                  "/tmp/planted-by-command", "/home/agentuser/planted-by-command"):
        checks.check(f"{phase}: a command finds what is planted in {place}", place in found, found)
    for kind in ("cmdline", "environ"):
        checks.check(f"{phase}: a command finds what is planted in a {kind}",
                     any(place.startswith(kind) for place in found), found)
    checks.equal(f"{phase}: where a command finds the secret", places_in(lines, phase, SECRET), [])


def check_host(checks, session, since, values):
    """What root on the host finds in processes and files while the session runs."""
    host = scan.Scan(values)
    host.processes()
    for place in HOST_PLACES:
        host.files(place, since)
    host.files(session.space, since)
    found = host.places(PLANTED)
    for uid in (AGENTCLI, AGENTUSER):
        pids = {str(process.pid) for process in session.find(uid=uid)}
        for kind in ("cmdline", "environ"):
            checks.check(f"root finds what is planted in a {kind} of uid {uid}",
                         any(place == f"{kind} {pid}" for pid in pids for place in found), found)
    checks.check("root finds what is planted in a file",
                 str(session.space / "planted-by-cli") in found, found)
    checks.equal("where root finds the secret", host.places(SECRET), [])


def check_logs(checks, values, logs):
    """The planted value was an argument of a command, so each log of commands has it."""
    for name, text in logs.items():
        log = scan.Scan(values)
        log.look("logs", name, text.encode())
        checks.equal(f"logs with the secret: {name}", log.places(SECRET), [])
        if name.startswith("events"):
            checks.equal(f"logs with the planted value: {name}", log.places(PLANTED), [name])


def actions(text):
    return [json.loads(line)["data"]["event"]["action"] for line in text.splitlines()]


def run(checks):
    values = [new_value(), new_value()]
    backwards = [value[::-1] for value in values]
    events = workspace() / "events.jsonl"
    since = time.time() - 1
    argv = ["/bin/bash", HERE / "cli.sh", HERE / "scan.py", since, *backwards, values[PLANTED]]
    options = ["--events", events, "--env", f"PLANTED={values[PLANTED]}", "--cli-dir", HERE]
    with Session(argv, options=options, secrets={"API_KEY": values[SECRET]}, stdin=-1) as session:
        quiet = lines_until(session, "phase quiet")
        checks.check("the CLI holds its secret", f"holds {len(values[SECRET])}" in quiet, quiet)
        check_sandbox(checks, quiet, "quiet")
        check_host(checks, session, since, values)
        session.process.stdin.write("go\n")
        session.process.stdin.flush()

        careless = lines_until(session, "phase careless")
        check_sandbox(checks, careless, "careless")
        checks.check("a variable with the secret is withheld", "leak 0" in careless, careless)
        for program in ("env", "cat"):
            checks.check(f"an argument of {program} with the secret is denied",
                         f"argument of {program} 126" in careless, careless)
        init = session.init()
        inner = read(f"/proc/{init.pid}/root/{LOG}") if init else ""
        session.process.stdin.write("go\n")
        result = session.finish(60)
    outer = read(events)
    check_logs(checks, values, {"events in the session": inner, "events on the host": outer,
                                "stdout": "\n".join(quiet + careless), "stderr": result.stderr})
    checks.check("the copy on the host goes on from the log inside", outer.startswith(inner), "")
    checks.equal("faults of the events against their schemas", event_schemas.check_log(
        events.read_bytes(), event_schemas.load())[:5], [])
    seen = actions(outer)
    checks.equal("first and last event", (seen[0], seen[-1]), ("session-start", "session-end"))
    for action in ("enforcement", "exec-allowed", "exec-denied", "exec-exited", "secret-withheld"):
        checks.check(f"there is an event {action}", action in seen, sorted(set(seen)))


def main():
    need_root()
    checks = Checks()
    run(checks)
    checks.finish()


main()
