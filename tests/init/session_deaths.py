"""Whoever dies, the session goes on or ends by name, no caller hangs, and nothing is left."""

import os
import resource

from life import (Checks, Events, bash, gone, line_from, need_root, outer, read, signal,
                     status_of, time, tree_of, wait_until)

need_root()
checks = Checks()

# Runs commands until told to stop, and says how each ended.
CALLER = """
trap 'stop=1' TERM
echo ready
while [ -z "$stop" ]; do
  SECONDS=0
  /bin/true
  echo "$? $SECONDS"
done
echo done
"""


def remembering(session):
    line_from(session)
    session.ready()
    session.remember_namespaces()
    return session


def auditd():
    with Events() as log, bash(CALLER, options=log.options) as session:
        remembering(session)
        for _ in range(5):
            daemon = session.find(comm="agent-auditd")[0]
            daemon.kill()
            wait_until(lambda old=daemon.pid: [p for p in session.find(comm="agent-auditd")
                                               if p.pid != old])
        os.kill(outer(session), signal.SIGTERM)
        result = session.finish(20)
        statuses = [line.split()[0] for line in result.stdout.splitlines() if " " in line]
        checks.equal("commands run while auditd is killed and started again", set(statuses), {"0"})
        commands = [r for r in log.records("exec-allowed")
                    if r["process"]["executable"] == "/bin/true"]
        checks.equal("... and each is recorded once", len(commands), len(statuses))


def runner():
    with Events() as log, bash(CALLER, options=("--name", "deaths", *log.options)) as session:
        remembering(session)
        for _ in range(10):
            old = session.runner()
            start = time.monotonic()
            old.kill()
            back = wait_until(lambda: (new := session.runner()) and new.pid != old.pid, 2, 0.002)
            took = time.monotonic() - start
            checks.check("a killed runner is back within 200 ms", back and took < 0.2, took)
            time.sleep(0.05)
        facts = {p["name"]: p for p in status_of("deaths")["processes"]}
        checks.equal("supervisorctl counts its restarts",
                     facts["agent-task-runnerd"]["restarts"], 10)
        os.kill(outer(session), signal.SIGTERM)
        result = session.finish(20)
        ends = [line.split() for line in result.stdout.splitlines() if " " in line]
        checks.check("every command ended: by itself, with EIO, or killed",
                     {status for status, _ in ends} <= {"0", "126", "137"},
                     sorted({status for status, _ in ends}))
        checks.check("... within a second", all(int(seconds) <= 1 for _, seconds in ends))
        checks.equal("... and the last ones ran", ends[-1][0], "0")
        checks.equal("each restart is an event", len(log.records("runner-restarted")), 10)


def runner_that_cannot_live():
    with Events() as log, bash(CALLER, options=log.options) as session:
        remembering(session)
        # What PID 1 forks from now on has no room for the stacks of the runner's threads.
        init = session.init().pid
        room = int(read(f"/proc/{init}/statm").split()[0]) * 4096 + (2 << 20)
        resource.prlimit(init, resource.RLIMIT_AS, (room, room))
        start = time.monotonic()
        session.runner().kill()
        result = session.finish(30)
        took = time.monotonic() - start
        checks.equal("a runner that keeps ending ends the session", result.status, 125)
        checks.check("... within seconds", took < 15, took)
        checks.check("... by name", "runner-lost" in result.stderr, result.stderr[-500:])
        checks.equal("... in the log too", [r["event"]["reason"] for r in
                                            log.records("session-end")], ["runner-lost"])
        ends = [line.split() for line in result.stdout.splitlines() if " " in line]
        checks.check("... and no command hangs until then",
                     all(int(seconds) <= 3 for _, seconds in ends), ends[-3:])
        checks.check("... and nothing is left", gone(session), session.survivors())


def spawner():
    with Events() as log, bash(CALLER, options=log.options) as session:
        remembering(session)
        session.spawner().kill()
        result = session.finish(20)
        checks.equal("the death of agent-sandbox ends the session", result.status, 125)
        checks.check("... by name, in one line", result.stderr.count("spawner-lost") == 1,
                     result.stderr)
        checks.equal("... in the log too", log.records("session-end")[0]["event"]["reason"],
                     "spawner-lost")
        checks.check("... and nothing is left", gone(session), session.survivors())


def cli_init():
    with Events() as log, bash(CALLER, options=log.options) as session:
        remembering(session)
        session.find(comm="cli-init")[0].kill()
        result = session.finish(20)
        checks.equal("the death of cli-init ends the session", result.status, 125)
        checks.equal("... by name", log.records("session-end")[0]["event"]["reason"],
                     "cli-init-lost")
        checks.check("... and nothing is left", gone(session), session.survivors())


def the_cli():
    with Events() as log, bash("sleep 600 & echo ready; wait", options=log.options) as session:
        remembering(session)
        wait_until(lambda: session.find(argument="sleep 600", uid=1000))
        session.find(comm="bash", uid=1001)[0].kill()
        checks.equal("a killed CLI is the session's status", session.finish(20).status, 137)
        checks.equal("... and its reason", log.records("session-end")[0]["event"]["reason"],
                     "cli-signaled")
        checks.check("... and nothing is left", gone(session), session.survivors())


def init():
    with bash("sleep 600 & echo ready; wait") as session:
        remembering(session)
        wait_until(lambda: session.find(argument="sleep 600", uid=1000))
        session.init().kill()
        checks.equal("a killed PID 1 is told as such", session.finish(20).status, 137)
        checks.check("... and nothing is left", gone(session, 1), session.survivors())


def orphans():
    with bash("for i in {1..200}; do (exit 3 & exit 0); (/bin/sh -c '/bin/true & exit 0'); done; "
              "echo ready; read -r -t 2 _ <> <(:)") as session:
        remembering(session)
        time.sleep(0.5)
        cli = session.find(comm="bash", uid=1001)[0].pid  # its own children are its own affair
        zombies = [p for p in tree_of(outer(session)) if p.state == "Z" and p.parent != cli]
        checks.equal("400 orphans leave no zombie", zombies, [])
        session.finish(20)


def small():
    with bash("for i in {1..50}; do /bin/true; done; echo ready; read -r -t 2 _ <> <(:)"
              ) as session:
        remembering(session)
        for what, process in (("PID 1", session.init()), ("the runner", session.runner())):
            fields = dict(line.split(":", 1) for line in
                          open(f"/proc/{process.pid}/status", encoding="ascii").read().splitlines()
                          if ":" in line)
            resident = int(fields["VmRSS"].split()[0])
            checks.check(f"{what} is smaller than 4 MB: {resident} kB", resident < 4096)
        session.finish(20)


auditd()
runner()
runner_that_cannot_live()
spawner()
cli_init()
the_cli()
init()
orphans()
small()
checks.finish()
