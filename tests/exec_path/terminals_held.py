"""Terminals under pressure: a CLI's own ptys, ^C where nobody made a process group for the command,
killed relays and keepers, bytes typed for somebody else, and a terminal multiplexer outside."""

import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

import console
import harness

checks = harness.Checks()
HERE = pathlib.Path(__file__).parent
ISOLATED = HERE / "isolated.json"


def own_ptys():
    """The CLI's own terminals, as it sees them natively."""
    for scene in "output", "full", "hang-up", "many", "crowd", "size":
        space = harness.workspace()
        shutil.copy(HERE / "pty_host.py", space)
        argv = ["python3", "pty_host.py", scene]
        wanted = harness.native(argv, cwd=space)
        (space / "told").unlink(missing_ok=True)
        got = harness.Session(argv, space).run()
        checks.check(f"own ptys, {scene}: runs natively", wanted.status == 0, wanted)
        checks.equal(f"own ptys, {scene}", (got.status, got.stdout), (0, wanted.stdout))


WAITER = "sh -c 'echo rea''ds; exec sleep 100'"
SHARED = {
    "bash": ["bash", "-c", f"{WAITER}; echo after $?"],
    "bash with a trap": ["bash", "-c", f"trap 'echo taken' INT; {WAITER}; echo after $?"],
    "dash": ["dash", "-c", f"{WAITER}; echo after $?"],
    "python": ["python3", "-c", "import subprocess\ntry:\n  subprocess.run(['sh', '-c', "
               "'echo reads; exec sleep 100'])\nexcept KeyboardInterrupt:\n  print('interrupted')"],
    "python that ignores it": [
        "python3", "-c", "import signal, subprocess\nsignal.signal(signal.SIGINT, lambda *_: print("
        "'handled', flush=True))\nprint(subprocess.run(['sh', '-c', 'echo reads; exec sleep 100'])"
        ".returncode)"],
}


def interrupted(term, key):
    with term:
        term.see("reads")
        term.type(key)
        term.child.expect(console.pexpect.EOF)
        text = console.plain(term.child.before)
        return text, term.end()


def shared_groups():
    """The CLI and its command are one process group: ^C is for both."""
    for name, argv in SHARED.items():
        for key, what in ("\x03", "^C"), ("\x1c", "^\\"):
            space = harness.workspace()
            wanted = interrupted(console.natively(space, argv), key)
            got = interrupted(console.in_session(space, argv), key)
            # The launcher says by its status what a shell would see of the CLI's signal.
            status = 128 - wanted[1] if wanted[1] < 0 else wanted[1]
            checks.equal(f"{what} for {name} and its command", got, (wanted[0], status))


# A CLI without readline, which would set the terminal's modes by itself.
WAITING = """
import subprocess, termios, time
status = subprocess.run(["sh", "-c", "echo rea''ds; exec sleep 1000"]).returncode
def modes():
    found = termios.tcgetattr(0)
    return [bool(found[3] & bit) for bit in (termios.ICANON, termios.ECHO, termios.ISIG)] + [
        bool(found[1] & termios.OPOST)]
end = time.monotonic() + 5
while not all(modes()) and time.monotonic() < end:
    time.sleep(0.01)
print("after", status, *modes(), flush=True)
input()
"""


def killed(what, victim):
    """Kills, from outside, what stands between the terminal and a command, which has it raw."""
    space = harness.workspace()
    with console.in_session(space, ["python3", "-c", WAITING]) as term:
        term.see("reads")
        found = [p for p in term.session.processes() if victim(p)]
        checks.check(f"{what}: there is one to kill", found, term.session.processes())
        for process in found:
            os.kill(process.pid, signal.SIGKILL)
        term.see("after")
        term.child.expect_exact("\r\n")
        checks.equal(f"{what} killed: the CLI has its terminal as it was", term.child.before.split(),
                     ["-9"] + ["True"] * 4)
        checks.check(f"{what} killed: nothing of the command is left", harness.wait_until(
            lambda: not term.session.find(comm="sleep")), term.session.processes())
        checks.check(f"{what} killed: no keeper is left without a command", harness.wait_until(
            lambda: not [p for p in term.session.processes() if has_master(p)]))
        term.type("\n")
        checks.equal(f"{what} killed: the session goes on", term.end(), 0)


def has_master(process):
    try:
        links = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd")]
    except OSError:
        return False
    return process.comm.startswith("agent-sandbox") and any(link.endswith("ptmx") for link in links)


def error_reopened():
    """/dev/stderr and its like, opened again by a command whose stderr is the terminal."""
    with console.in_session(harness.workspace(), ["sh", "-c", "sh -c 'echo shown >/dev/stderr'; true"]) as term:
        term.child.expect(console.pexpect.EOF)
        checks.equal(">/dev/stderr is the terminal", console.plain(term.child.before), ["shown"])


INJECT = ("import fcntl, os, sys, termios\n"
          "for fd in [0, os.open('/dev/tty', os.O_RDWR)]:\n"
          "  try:\n    fcntl.ioctl(fd, termios.TIOCSTI, b'x'); print('typed')\n"
          "  except OSError as error: print(error.strerror)\n")


def nobody_types_for_others():
    space = harness.workspace()
    (space / "inject.py").write_text(INJECT)
    for name, argv in ("the CLI", ["python3", "inject.py"]), \
            ("a command", ["sh", "-c", "python3 inject.py; true"]):
        with console.in_session(space, argv) as term:
            term.child.expect(console.pexpect.EOF)
            checks.equal(f"TIOCSTI by {name}", console.plain(term.child.before),
                         ["Operation not permitted"] * 2)


THIEF = ("import os, signal, time\n"
         "if os.fork(): os._exit(0)\n"
         "for name in (signal.SIGTTIN, signal.SIGHUP): signal.signal(name, signal.SIG_IGN)\n"
         "out = open('stolen', 'wb', buffering=0)\n"
         "out.write(b'tries ')\n"
         "while True:\n"
         "  for fd in 0, 1, 2:\n"
         "    try: out.write(os.read(fd, 100))\n"
         "    except OSError: time.sleep(0.01)\n")


def nobody_reads_what_is_for_others():
    """A process that a command left behind, while the user types for the CLI."""
    space = harness.workspace()
    (space / "thief.py").write_text(THIEF)
    with console.in_session(space) as term:
        console.pause(0.5)
        term.shell()
        term.ask("python3 thief.py")
        harness.wait_until(lambda: (space / "stolen").exists() and (space / "stolen").read_bytes())
        checks.equal("the CLI reads what is typed for it", term.ask("echo pri''vate words"),
                     "private words")
        checks.equal("who is left behind gets nothing of it", (space / "stolen").read_bytes(), b"tries ")


HOG = """
import errno, os, resource, signal
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
if os.fork(): os._exit(0)
while True:
    try:
        os.open("/dev/ptmx", os.O_RDWR)
    except OSError as error:
        if error.errno == errno.EMFILE and not os.fork():
            os.closerange(3, hard)
            continue
        if error.errno != errno.EMFILE: open("all taken", "w")
        signal.pause()
"""


def no_terminal_left():
    """Whoever takes all ptys does not get a terminal that the CLI reads into the commands' hands."""
    space = harness.workspace()
    (space / "hog.py").write_text(HOG)
    with console.in_session(space) as term:
        console.pause(0.5)
        term.shell()
        term.ask("python3 hog.py </dev/null >/dev/null 2>&1")
        taken = harness.wait_until(lambda: (space / "all taken").exists(), 30)
        checks.check("one command takes all ptys", taken)
        checks.equal("then no command gets the terminal", console.plain(term.ask("tty; echo $?")),
                     ["agent-task-runner: there is no terminal left for a command", "126"])
        checks.equal("and others start", term.ask("echo runs | cat >out 2>&1; echo $(<out)"), "runs")
        for process in term.session.find(comm="python3"):
            os.kill(process.pid, signal.SIGKILL)
        checks.check("when they are given back, commands have a terminal again", harness.wait_until(
            lambda: "/dev/pts/" in term.ask("tty")))


def forged_terminal():
    """A command that is its own relay is not served on the terminal that it speaks of."""
    space = harness.workspace()
    shutil.copy(HERE / "forged_relay.py", space)
    argv = ["sh", "-c", "python3 forged_relay.py; true"]
    result = harness.Session(argv, space, options=["--policy", str(HERE / "one_profile.json")]).run()
    checks.equal("a forged terminal stays what it is", (result.status, result.stdout), (0, "its own\n"))


def without_keeper():
    """`pidns: command`: the descriptors pass as they are, and there is no /dev/tty."""
    space = harness.workspace()
    argv = ["bash", "-c", "sh -c 'test -t 0 && stty size; echo x >/dev/tty'; true"]
    with console.in_session(space, argv, ["--policy", ISOLATED]) as term:
        term.child.expect(console.pexpect.EOF)
        text = "\n".join(console.plain(term.child.before))
        checks.check("isolated: a terminal", "24 80" in text, text)
        checks.check("isolated: no controlling terminal", "/dev/tty" in text, text)


def stopped_with_its_shell(name, argv):
    """^Z under the user's shell stops the whole session, and fg takes it up again."""
    space = harness.workspace()
    line = shlex.join(harness.Session(argv, space).command_line({}))
    with console.Console(console.SHELL, "/tmp", {"COLUMNS": "500"}) as term:
        console.pause()
        term.shell()
        term.type(line + "\n")
        term.see("reads\r\n")
        for turn in "once", "again":
            console.pause(0.5)
            term.type("\x1a")
            term.see("Stopped")
            term.see(console.PROMPT)
            checks.equal(f"{name}, stopped {turn}: the shell's terminal",
                         term.ask("stty -a | grep -o ' icanon\\| echo '").split(), ["icanon", "echo"])
            term.type("fg\n")
        console.pause(0.5)
        term.type("typed\n")
        term.see("got typed")
        checks.equal(f"{name}: its status", (term.answer(), term.ask("echo $?"))[1], "6")


SUSPENDS = """
import os, signal
print("reads", flush=True)
os.kill(0, signal.SIGTSTP)
print("got", input(), flush=True)
raise SystemExit(6)
"""


def suspended_by_a_command():
    """An editor takes ^Z as a key, and stops its process group: the CLI's, which has no job control."""
    space = harness.workspace()
    (space / "suspends.py").write_text(SUSPENDS)
    argv = ["sh", "-c", "python3 suspends.py; exit $?"]
    line = shlex.join(harness.Session(argv, space).command_line({}))
    with console.Console(console.SHELL, "/tmp", {"COLUMNS": "500"}) as term:
        console.pause()
        term.shell()
        term.type(line + "\n")
        term.see("reads\r\n")
        term.see("Stopped")
        term.see(console.PROMPT)
        term.type("fg\n")
        console.pause(0.5)
        term.type("typed\n")
        term.see("got typed")
        checks.equal("a command suspends itself: its status", (term.answer(), term.ask("echo $?"))[1], "6")


def inside_tmux():
    """A session in a terminal multiplexer on the host."""
    space = harness.workspace()
    line = " ".join(f"'{word}'" for word in harness.Session(console.SHELL, space).command_line({}))
    tmux = ["tmux", "-f", "/dev/null", "-L", f"outer-{os.getpid()}"]
    subprocess.run([*tmux, "new-session", "-d", "-x", "90", "-y", "20", line], check=True,
                   env=harness.clean_env(TERM="xterm", HOME="/tmp"))

    def screen():
        return subprocess.run([*tmux, "capture-pane", "-p"], text=True, capture_output=True,
                              check=False).stdout

    def keys(*words):
        subprocess.run([*tmux, "send-keys", *words], check=False)

    try:
        harness.wait_until(lambda: "$" in screen(), 10)
        keys("stty size; seq -f 'line %.0f' 99 | less", "Enter")
        checks.check("tmux: less fills the screen",
                     harness.wait_until(lambda: "line 19" in screen(), 10), screen())
        keys("q")
        keys("stty size", "Enter")
        checks.check("tmux: the size of the pane",
                     harness.wait_until(lambda: "20 90" in screen(), 10), screen())
        subprocess.run([*tmux, "resize-window", "-x", "70", "-y", "15"], check=False)
        keys("clear; stty size", "Enter")
        checks.check("tmux: another size",
                     harness.wait_until(lambda: "15 70" in screen(), 10), screen())
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)


def main():
    harness.need_root()
    own_ptys()
    shared_groups()
    killed("the relay", lambda p: p.exe().endswith("agent-relay"))
    killed("the keeper", has_master)
    error_reopened()
    nobody_types_for_others()
    nobody_reads_what_is_for_others()
    no_terminal_left()
    forged_terminal()
    without_keeper()
    if harness.ENGINE == "local":  # a container's terminal has no shell around it
        reader = "echo reads; read line; echo got $line; exit 6"
        suspended_by_a_command()
        stopped_with_its_shell("a CLI that reads", ["bash", "-c", reader])
        stopped_with_its_shell("a command that reads", ["bash", "-c", f"sh -c '{reader}'; exit $?"])
    inside_tmux()
    checks.finish()


main()
