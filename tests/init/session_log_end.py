"""The event log has its end whatever happens to agent-auditd during shutdown, or PID 1 says that it
has none."""

import json

from life import Checks, Events, bash, gone, line_from, need_root, signal, time, wait_until

need_root()
checks = Checks()

# A command leaves a child that ends only by SIGKILL: PID 1 waits for it.
STRAGGLER = """/bin/sh -c "trap '' TERM; sleep 600 >/dev/null 2>&1 & exit 0"; echo ready
read -r -t 0.5 _ <> <(:); exit 3"""
TRIES = 5


def auditd(session, other_than=()):
    found = [p for p in session.find(comm="agent-auditd") if p.pid not in other_than]
    return found[0] if found else None


def shutting_down(session):
    """Returns while PID 1 waits for the straggler."""
    line_from(session)
    session.remember_namespaces()
    wait_until(lambda: session.find(argument="sleep 600", uid=1000), step=0.002)
    wait_until(lambda: not session.find(comm="cli-init") and not session.runner(), step=0.002)
    return bool(session.find(argument="sleep 600", uid=1000))


def attempt(name, harm):
    """One session; `harm` gets it while it shuts down. Its result, and its log's lines."""
    with Events() as log, bash(STRAGGLER, options=log.options) as session:
        checks.check(f"{name}: PID 1 waits for a straggler", shutting_down(session))
        harm(session)
        result = session.finish(20)
        checks.equal(f"{name}: the status is the CLI's", result.status, 3)
        checks.check(f"{name}: nothing is left", gone(session), session.survivors())
        return result, [json.loads(line) for line in log.path.read_text().splitlines()]


def kill_once(session):
    auditd(session).kill()


def kill_whoever_comes(session):
    """The first during the wait, two more as they are started at its end."""
    killed = []
    for _ in range(3):
        if not wait_until(lambda: auditd(session, killed), 4, 0.0005):
            return
        victim = auditd(session, killed)
        if victim:
            killed.append(victim.pid)
            try:
                victim.kill()
            except ProcessLookupError:
                pass


def has_its_end():
    for harm in (kill_once, kill_whoever_comes):
        for number in range(TRIES):
            name = f"{harm.__name__} {number}"
            result, lines = attempt(name, harm)
            actions = [line["data"]["event"]["action"] for line in lines]
            checks.equal(f"{name}: the log ends, once", (actions[-1:], actions.count("session-end")),
                         (["session-end"], 1))
            checks.equal(f"{name}: every line is there once", [line["seq"] for line in lines],
                         list(range(1, len(lines) + 1)))
            checks.equal(f"{name}: nothing is said", result.stderr, "")


def has_none():
    start = time.monotonic()
    result, lines = attempt("stopped", lambda session: auditd(session).kill(signal.SIGSTOP))
    checks.check("stopped: PID 1 waits for seconds only", time.monotonic() - start < 15)
    checks.check("stopped: ... and says that the log has no end",
                 "agent-init: the event log has no end (cli-exited, exit status 3): "
                 "wait for agent-auditd: ETIMEDOUT" in result.stderr, result.stderr)
    checks.check("stopped: ... which is so", "session-end" not in
                 [line["data"]["event"]["action"] for line in lines])


has_its_end()
has_none()
checks.finish()
