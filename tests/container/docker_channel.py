#!/usr/bin/python3
"""The live channel: the CLI's terminal and streams outlive whoever looks at them, and nothing is lost."""

import os
import pathlib
import re
import signal
import subprocess
import time

from engine import BUILD, Engine, check, finish
from terminal import DETACH, SECONDS, Terminal, shell

SESSION = BUILD / "channel/agent-session"


def wait_until(condition, timeout=SECONDS):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


def attach(engine, name, **more):
    return Terminal(engine, [SESSION, "attach", name], **more)


def processes(program, *words):
    """Pids of this machine's processes of a program with these words among their arguments."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[0].endswith(program.encode()) and all(word.encode() in arguments for word in words):
            found.append(int(pid))
    return found


def kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids


def terminal(engine, space):
    with shell(engine, space, "term") as term:
        term.say("PS1='rea''dy> '; tty; stty size; id -un\n")
        check("the CLI has a terminal of the container's", term.see("/dev/pts/0"), term.seen())
        check("... of the user's size", term.see("24 80"), term.seen())
        check("a command on it is agentuser's", term.see("agentuser"), term.seen())
        term.see("ready> ")
        term.child.setwinsize(33, 101)
        time.sleep(0.5)
        term.say("stty size\n")
        check("another size reaches it", term.see("33 101"), term.seen())
        term.see("ready> ")
        term.say("sh -c 'echo r''uns; exec sleep 1000'\n")
        term.see("runs")
        term.say("\x03")
        term.see("ready> ")
        term.say("echo $?\n")
        check("^C ends a command", term.see("130"), term.seen())
        term.see("ready> ")
        term.say("sh -c 'echo r''uns; exec sleep 1000'\n")
        term.see("runs")
        term.say("\x1a")
        check("^Z stops one", term.see("Stopped"), term.seen())
        term.see("ready> ")
        term.say("kill -9 %1\n")
        term.see("ready> ")
        term.say("exit 5\n")
        term.say("exit 5\n")  # the first one may only warn of the job
        check("the exit status is the CLI's", term.end() == 5, term.seen())
    with Terminal(engine, engine.line(space, "/bin/echo", "gone at once")) as term:
        check("what a CLI says that ends at once is seen", term.see("gone at once") and term.end() == 0,
              term.seen())
    with Terminal(engine, engine.line(space, "/nowhere/cli")) as term:
        status = term.end()
        check("what does not start says why", status == 127 and "'/nowhere/cli'" in term.seen(),
              (status, term.seen()))


def detach(engine, space):
    with shell(engine, space, "left") as term:
        term.say("PS1='rea''dy> '; echo mine $$\n")
        check("the shell runs", term.see("mine ") and term.see("ready> "), term.seen())
        term.say("(sleep 1; echo while you were away)\n")
        time.sleep(0.3)
        term.say(DETACH)
        check("ctrl-^ and d leave the session and says how to come back", term.see("agent-session attach left"),
              term.seen())
        check("... with status 0", term.end() == 0)
    time.sleep(1.5)
    with attach(engine, "left", size=(30, 90)) as term:
        check("who comes back sees what was written meanwhile", term.see("while you were away"), term.seen())
        term.say("stty size; jobs; echo still $$\n")
        check("... in a terminal of the new size", term.see("30 90"), term.seen())
        term.see("ready> ")
        term.say("sh -c 'echo r''uns; exec cat -v'\n")
        term.see("runs")
        term.say("\x1e\x1ex\n")
        check("ctrl-^ twice is one for the CLI", term.see("^^x") and term.see("^^x"), term.seen())
        term.say("\x04")
        term.see("ready> ")
        kill([term.child.pid])
        kill(processes("docker", "exec", "left", "attach"))
    check("kill -9 of who is attached leaves the CLI alone", engine.docker("inspect", "left").returncode == 0)
    with attach(engine, "left") as first:
        check("one may attach again after it, and sees the prompt", first.see("ready> "), first.seen())
        with attach(engine, "left") as second:
            check("the second one takes over, the first is told", first.see("somebody else has attached"),
                  first.seen())
            second.see("ready> ")
            second.say("echo sec''ond; exit 6\n")
            check("... and types", second.see("second"), second.seen())
            check("its exit status is the CLI's", second.end() == 6, second.seen())
    check("no session is left", not listed(engine), listed(engine))


def listed(engine):
    return subprocess.run([SESSION, "list"], env=engine.environment, capture_output=True, text=True,
                          check=True).stdout


def full_screen(engine, space):
    """A program that draws does so again for who comes back."""
    (space / "page").write_text("".join(f"line {n}\n" for n in range(1, 100)))
    with Terminal(engine, engine.line(space, "/bin/bash", "-c", "trap 'echo drawn again' WINCH; echo up; "
                                      "while :; do read -t 1; done", options=["--name", "draws"])) as term:
        term.see("up")
        term.say(DETACH)
        term.end()
    with attach(engine, "draws") as term:
        check("the CLI hears SIGWINCH from who comes back with the same size", term.see("drawn again"),
              term.seen())
        engine.docker("stop", "draws")
        check("docker stop ends it", term.end() == 128 + signal.SIGTERM, term.seen())


def lost_client(engine, space):
    """The engine's client dies; the host's end makes a new connection."""
    script = "for i in 1 2 3 4 5 6; do echo $i; read -t 0.5 -u 9; done 9<>/dev/zero; read -r line; echo $line; exit 9"
    with engine.start(space, script, "--name", "cut", "--events", engine.run_dir / "cut.jsonl") as running:
        running.stdout.readline()
        killed = kill(processes("docker", "run", "cut"))
        out = running.communicate("typed\n", timeout=SECONDS)[0]
    check("the client was killed", killed)
    check("no output is lost or comes twice, and input arrives", out == "2\n3\n4\n5\n6\ntyped\n", out)
    check("the exit status arrives", running.returncode == 9, running.returncode)
    events = (engine.run_dir / "cut.jsonl").read_text()
    check("events are whole", events.count('"session-start"') == 1 and events.count('"session-end"') == 1,
          events[-500:])


def lost_host_end(engine, space):
    """agent-session itself dies; another takes its place."""
    log = engine.run_dir / "taken.jsonl"
    script = "echo up; id -un; read -t 4 -u 9 9<>/dev/zero; id -un; echo late; exit 8"
    with engine.start(space, script, "--name", "taken", "--events", log) as running:
        running.stdout.readline()
        running.stdout.readline()
        kill(processes("docker", "run", "taken"))
        hosts = [pid for pid in processes("agent-session", "taken") if pid != running.pid]
        kill(hosts)
        status = running.wait(SECONDS)
        said = running.stderr.read()
    check("who waits is told", status == 125 and "agent-session resume taken" in said, (status, said))
    done = subprocess.run([SESSION, "resume", "taken"], env=engine.environment, text=True, timeout=SECONDS,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    check("another agent-session gets the rest and the status",
          done.returncode == 8 and done.stdout.endswith("agentuser\nlate\n"), done)
    lines = log.read_text().splitlines()
    numbers = [int(re.search(r'"seq(?:uence)?":"?(\d+)', line).group(1)) for line in lines]
    check("no event is missing or twice", numbers == list(range(1, len(numbers) + 1)), numbers)


def abandon(engine, space, name):
    """A session that soon ends with 5, and whose host end and client are killed before that."""
    with engine.start(space, "echo up; read -t 1 -u 9 9<>/dev/zero; echo last; exit 5", "--name", name) as running:
        running.stdout.readline()
        kill([pid for pid in processes("agent-session", name) + processes("docker", "run", name)
              if pid != running.pid])


def runs(engine, name):
    return engine.docker("ps", "-q", "--filter", f"name={name}").stdout != ""


def nobody_comes(engine, space):
    """A session that has ended waits 30 seconds for somebody who takes its exit status."""
    abandon(engine, space, "alone")
    began = time.monotonic()
    abandon(engine, space, "fetched")
    time.sleep(5)
    done = subprocess.run([SESSION, "resume", "fetched"], env=engine.environment, text=True, timeout=SECONDS,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    check("who comes after its end gets the rest and the status",
          done.returncode == 5 and done.stdout.endswith("last\n"), done)
    time.sleep(max(0, began + 20 - time.monotonic()))
    check("it waits for that", runs(engine, "alone"))
    check("... and not for ever", wait_until(lambda: not runs(engine, "alone"), began + 45 - time.monotonic()))
    no_engine = {**engine.environment, "DOCKER_HOST": "unix:///nowhere"}
    for environment, what, left in ((no_engine, "tries again", ["alone"]), (engine.environment, "has ended", [])):
        done = subprocess.run([SESSION, "resume", "alone"], env=environment, text=True, timeout=SECONDS,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        check(f"its name then: {what}", done.returncode == 125 and what in done.stderr and
              listed(engine).split() == left, (done, listed(engine)))


def lost_channel(engine, space):
    """The container's own end is killed: nobody could talk to the CLI any more."""
    with engine.start(space, "echo up; sleep 1000", "--name", "mute") as running:
        running.stdout.readline()
        root = engine.must("inspect", "-f", "{{.State.Pid}}", "mute").stdout.strip()
        children = pathlib.Path(f"/proc/{root}/task/{root}/children").read_text().split()
        killed = kill([int(pid) for pid in children
                       if pathlib.Path(f"/proc/{pid}/comm").read_text() == "agent-channel\n"])
        err = running.communicate(timeout=SECONDS)[1]
    check("a killed agent-channel ends the session with that reason", len(killed) == 1 and
          running.returncode == 125 and "channel-lost" in err, (killed, running.returncode, err))


def wrong_key(engine, space):
    with engine.start(space, "echo up; sleep 1000", "--name", "keyed") as running:
        running.stdout.readline()
        hello = bytes([33 + 9, 0, 0, 0, 1, 0, 0, 0, 0]) + bytes([1, 0, 0, 0]) + bytes(29) + b"wrong-key"
        done = subprocess.run(["/usr/bin/docker", "exec", "-i", "keyed", "/libexec/agent-init", "channel"],
                              input=hello, env=engine.environment, capture_output=True, timeout=SECONDS,
                              check=False)
        check("a connection that does not know the key gets nothing", done.stdout == b"", done)
        running.send_signal(signal.SIGTERM)
        err = running.communicate(timeout=SECONDS)[1]
    check("... and that is said", "does not know this session's key" in err, err)
    check("the session's own goes on", running.returncode == 128 + signal.SIGTERM, running.returncode)


def versions(engine, space):
    """A host end of another release."""
    profile = ["run", "--rm", "-i", "--read-only", "--cap-drop", "ALL"]
    for capability in ("SYS_ADMIN", "SYS_PTRACE", "SETUID", "SETGID", "SETPCAP", "KILL"):
        profile += ["--cap-add", capability]
    hello = bytes([33, 0, 0, 0, 1, 0, 0, 0, 0]) + bytes([99, 0, 0, 0]) + bytes(29)
    done = subprocess.run(["/usr/bin/docker", *profile, "--security-opt", "seccomp=unconfined", "--mount",
                           f"type=bind,source={space},target=/workspace", "agent:test",
                           "--channel", "streams", "--", "true"], input=hello, env=engine.environment,
                          capture_output=True, timeout=SECONDS, check=False)
    check("both versions are named when they differ", done.returncode == 125 and
          b"version 99, this one 1" in done.stderr, done)


def pace(engine, space):
    """Streams go at their reader's pace, and one does not hold up the other."""
    with engine.start(space, "head -c 3000000 /dev/zero; echo later >&2", "--name", "slow") as running:
        time.sleep(2)
        got = running.stdout.read(3000000)
        check("output that nobody reads waits", len(got) == 3000000)
        check("stderr comes after it", running.stderr.read() == "later\n")
    check("... and it ends well", running.returncode == 0, running.returncode)
    with engine.start(space, "head -c 3000000 /dev/zero & echo first >&2; wait", "--name", "other") as running:
        check("a stream that stands still does not hold up another", running.stderr.readline() == "first\n")
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=SECONDS)
    check("... nor a signal", running.returncode == 128 + signal.SIGTERM, running.returncode)
    done = engine.session(space, "read -r line; echo $line; exec 0<&-; sleep 1; exit 3",
                          input="one\n" + "x" * 2000000)
    check("input that is not read is no error", (done.returncode, done.stdout) == (3, "one\n"), done.returncode)
    big = "x" * 5000000
    done = engine.session(space, "/bin/cat", input=big)
    check("5 MB go in and out", done.stdout == big, len(done.stdout))
    done = subprocess.run(["bash", "-c", '"$@" | head -1', "-", *engine.line(
        space, "/bin/bash", "-c", "while :; do echo y; done")], env=engine.environment, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    check("who writes to a reader that has gone ends, as in any pipeline", done.stdout == "y\n", done)


with Engine() as ours:
    ours.image()
    directory = ours.workspace()
    for test in (terminal, detach, full_screen, lost_client, lost_host_end, nobody_comes, lost_channel, wrong_key,
                 versions, pace):
        print(f"-- {test.__name__}", flush=True)
        test(ours, directory)
    check("no container is left", wait_until(lambda: ours.docker("ps", "-aq").stdout == ""))
finish()
