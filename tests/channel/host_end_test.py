#!/usr/bin/python3
"""agent-session with an engine that is a script: what it keeps of a session when the engine fails it.

usage: host_end_test.py AGENT_SESSION
"""

import fcntl
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

SESSION = sys.argv[1]
SECONDS = 60
failures = []

# Answers as FAKE/run, FAKE/exec and FAKE/ps say: a list of steps each.
ENGINE = r'''#!/usr/bin/python3
import os, pathlib, sys, time
fake = pathlib.Path(os.environ["FAKE"])
verb = sys.argv[1]
with (fake / "calls").open("a") as calls:
    calls.write(verb + "\n")
def number(value, size):
    return value.to_bytes(size, "little")
def send(kind, stream=0, body=b""):
    sys.stdout.buffer.write(number(len(body), 4) + number(kind, 1) + number(stream, 4) + body)
    sys.stdout.buffer.flush()
for step in (fake / verb).read_text().split():
    word, _, value = step.partition("=")
    if word == "ready":
        send(16, 0, number(1, 4) + number(0, 8))
    elif word == "end":
        send(33, 1)
        send(33, 2)
        send(18, int(value))
    elif word == "sleep":
        time.sleep(float(value))
    elif word == "print":
        print(value, flush=True)
    elif word == "noise":
        sys.stderr.write("x" * int(value))
    elif word == "exit":
        os._exit(int(value))
'''


def check(what, right, seen=""):
    print("ok:" if right else "FAILED:", what, "" if right else seen, flush=True)
    if not right:
        failures.append(what)


class Fake:
    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory, name)
        self.directory.mkdir()
        self.name = f"fake-{os.getpid()}-{name}"
        self.engine = self.directory / "engine"
        self.engine.write_text(ENGINE)
        self.engine.chmod(0o755)
        self.events = self.directory / "events"
        runtime = self.directory / "runtime"
        runtime.mkdir(mode=0o700)
        self.environment = {**os.environ, "FAKE": str(self.directory), "XDG_RUNTIME_DIR": str(runtime)}
        where = pathlib.Path("/run") if os.geteuid() == 0 else runtime
        self.state = where / f"coding-agents/{self.name}.session"
        self.answers(run="ready end=0", exec="exit=1", ps="")

    def answers(self, **steps):
        for verb, words in steps.items():
            (self.directory / verb).write_text(words)

    def calls(self, verb):
        return (self.directory / "calls").read_text().split().count(verb)

    def start(self, *words):
        return subprocess.Popen([SESSION, *words], env=self.environment, stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ask(self, *words):
        with self.start(*words) as running:
            out, err = running.communicate(timeout=SECONDS)
        return running.returncode, err, out

    def line(self):
        return "run", "--name", self.name, "--events", str(self.events), "--", str(self.engine), "run"

    def run(self):
        return self.ask(*self.line())

    def resume(self):
        return self.ask("resume", self.name)

    def listens(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            return client.connect_ex(str(self.state.with_suffix(".sock"))) == 0

    def lose(self):
        """A session whose agent-session is killed: its container goes on."""
        self.answers(run="ready sleep=30")
        with self.start(*self.line()) as running:
            wait_until(lambda: (self.directory / "calls").exists())
            time.sleep(0.3)
            for pid in children(running.pid):
                clients = children(pid)
                for process in (pid, *clients):  # the client last: the host's end would start another
                    os.kill(process, signal.SIGKILL)
            running.communicate(timeout=SECONDS)
        wait_until(lambda: not self.listens())
        return self.state.read_bytes()


def children(pid):
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(condition):
    end = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def usual(fake):
    check("a session ends with the CLI's status", fake.run()[:2] == (0, ""))
    check("... and nothing is kept", not fake.state.exists())


def failed_resume(fake):
    kept = fake.lose()
    with fake.events.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = fake.resume()
        check("resume fails while somebody else has the event file", done[0] == 125 and "have" in done[1], done)
        check("... and the session is kept", fake.state.exists() and fake.state.read_bytes() == kept)
    fake.answers(exec="ready end=7")
    done = fake.resume()
    check("... so that resume works afterwards", done[0] == 7 and not fake.state.exists(), done)


def same_name(fake):
    kept = fake.lose()
    mode = stat.S_IMODE(fake.state.stat().st_mode)
    for answer, what in (("print=0123abcd", "runs"), ("exit=1", "may run, for the engine does not say")):
        fake.answers(ps=answer)
        begun = fake.calls("run")
        done = fake.run()
        check(f"the name of a lost session whose container {what} is refused", done[0] == 125 and
              f"agent-session resume {fake.name}" in done[1], done)
        check("... before anything is started", fake.calls("run") == begun, fake.calls("run"))
        check("... and its key is kept", fake.state.exists() and fake.state.read_bytes() == kept and mode == 0o600)
    fake.answers(ps="", run="ready end=4")
    done = fake.run()
    check("the name of one whose container is gone is free", done[:2] == (4, "") and not fake.state.exists(), done)


def engine_goes(fake):
    fake.answers(run="ready sleep=0.3 exit=125", ps="print=0123abcd", exec="ready end=9")
    done = fake.run()
    check("a client that gives up on its engine is no end of the container", done[0] == 9, done)
    fake.answers(exec="exit=1")
    done = fake.run()
    check("... which is kept when no connection can be made", done[0] == 125 and fake.state.exists() and
          "resume" in done[1], done)
    fake.answers(ps="exit=1")
    check("... and while the engine does not answer", fake.resume()[0] == 125 and fake.state.exists())
    fake.answers(ps="")
    fake.resume()
    begun = fake.calls("exec")
    done = fake.run()
    check("a container that is gone has ended with that status", done[0] == 125 and not fake.state.exists() and
          fake.calls("exec") == begun, done)
    fake.answers(run="ready sleep=0.3 exit=137", ps="print=0123abcd")
    done = fake.run()
    check("any other status is the container's", done[0] == 137 and not fake.state.exists(), done)


def mute_engine(fake):
    kept = fake.lose()
    fake.answers(ps="noise=200000 print=0123abcd")
    done = fake.run()
    check("an engine that says much on stderr is heard", done[0] == 125 and "goes on" in done[1], done)
    fake.answers(ps="sleep=50 print=0123abcd")
    for ask in (fake.run, fake.resume):
        begun = time.monotonic()
        done = ask()
        took = time.monotonic() - begun
        check("an engine that does not answer is given up", done[0] == 125 and 9 < took < 25, (took, done))
        check("... and the session is kept", fake.state.exists() and fake.state.read_bytes() == kept)


with tempfile.TemporaryDirectory() as top:
    for test in (usual, failed_resume, same_name, engine_goes, mute_engine):
        print(f"-- {test.__name__}", flush=True)
        session = Fake(top, test.__name__)
        try:
            test(session)
        finally:
            for kind in ".session", ".sock":
                session.state.with_suffix(kind).unlink(missing_ok=True)
print(f"{len(failures)} failed" if failures else "all as expected")
sys.exit(1 if failures else 0)
