"""Signals reach the CLI once, by whichever way they come; inherited dispositions are its own."""

import os
import pty
import select
import subprocess

from life import (Checks, Session, bash, line_from, need_root, outer, signal, time)

need_root()
checks = Checks()

FORWARDED = ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "CONT")


def forwarded():
    for name in FORWARDED:
        with bash(f"trap 'echo got; n=$((n + 1))' {name}; n=0; echo ready; "
                  "end=$((SECONDS + 1)); while [ $SECONDS -le $end ]; do read -t 0.1 -r _ <> <(:); "
                  "done; exit $((40 + n))") as session:
            line_from(session)
            os.kill(outer(session), getattr(signal, "SIG" + name))
            result = session.finish(20)
            checks.equal(f"SIG{name} to the session reaches the CLI once", result.status, 41)


def not_forwarded():
    script = ("import signal, sys, time; "
              "[signal.signal(s, lambda *_: sys.exit(41)) for s in (signal.SIGCHLD, signal.SIGURG)]; "
              "print('ready', flush=True); time.sleep(1)")
    with Session(["/usr/bin/python3", "-c", script]) as session:
        line_from(session)
        os.kill(outer(session), signal.SIGCHLD)
        os.kill(outer(session), signal.SIGURG)
        checks.equal("SIGCHLD and SIGURG are the supervisor's own affair",
                     session.finish(20).status, 0)


def default_action():
    with bash("echo ready; while :; do read -r -t 1 _ <> <(:); done") as session:
        line_from(session)
        os.kill(outer(session), signal.SIGTERM)
        checks.equal("TERM ends a CLI that does not handle it", session.finish(20).status, 143)


def second_term():
    with bash("trap 'echo first' TERM; echo ready; while :; do read -r -t 0.1 _ <> <(:); done"
              ) as session:
        line_from(session)
        start = time.monotonic()
        os.kill(outer(session), signal.SIGTERM)
        os.kill(outer(session), signal.SIGTERM)
        checks.equal("the CLI may handle TERM", line_from(session), "first")
        checks.check("two at once are not impatience", session.process.poll() is None)
        time.sleep(max(0.0, 1.2 - (time.monotonic() - start)))
        os.kill(outer(session), signal.SIGTERM)
        checks.equal("a second TERM a second later kills it", session.finish(20).status, 137)


def inherited():
    def ignore_and_block():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])

    # Not Session.start(): it cannot set dispositions. bash reads the mask before it changes it.
    words = Session(["/usr/bin/python3", "-c",
                     "print(*(l.split()[1] for l in open('/proc/self/status') "
                     "if l[:6] in ('SigBlk', 'SigIgn')))"]).command_line({})
    done = subprocess.run(words, text=True, capture_output=True, check=False,
                          preexec_fn=ignore_and_block, restore_signals=True)
    blocked, ignored = (int(word, 16) for word in done.stdout.split())
    checks.check("an ignored signal stays ignored", ignored & 1, hex(ignored))
    checks.equal("a blocked signal stays blocked, and nothing else is", blocked, 1 << 11)


def read_until(terminal, text, seconds=10):
    """What the terminal shows up to `text`."""
    shown = ""
    end = time.monotonic() + seconds
    while text not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 4096).decode(errors="replace")
            except OSError:
                break
    return shown


def on_terminal(script):
    """Starts a session on a terminal of its own; gives its pid and the terminal's master."""
    words = Session(["/bin/bash", "-c", script]).command_line({})
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(words[0], words)
    return pid, terminal


def terminal_signals():
    pid, terminal = on_terminal(
        "trap 'n=$((n + 1)); echo int-$n' INT; n=0; echo ready; "
        "while [ $n -lt 2 ]; do read -r -t 0.2 _; done; read -r -t 1 _; echo total-$n; exit 9")
    read_until(terminal, "ready")
    os.write(terminal, b"\x03")
    first = read_until(terminal, "int-1")
    checks.check("^C reaches the CLI", "int-1" in first, first)
    os.write(terminal, b"\x03")
    rest = read_until(terminal, "total-")
    checks.check("each ^C reaches it once", "total-2" in rest, rest)
    read_until(terminal, "nothing", 1)
    checks.equal("... and the session goes on to the CLI's own end",
                 os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 9)
    os.close(terminal)

    pid, terminal = on_terminal("echo ready; sleep 600")
    read_until(terminal, "ready")
    time.sleep(0.3)
    os.write(terminal, b"\x03")
    checks.equal("^C ends a CLI that waits for a command",
                 os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 130)
    os.close(terminal)


forwarded()
not_forwarded()
default_action()
second_term()
inherited()
terminal_signals()
checks.finish()
