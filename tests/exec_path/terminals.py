"""Terminals: what a person sees and types is the same natively and in a session, job control, full
screen programs and prompts included, and a killed command leaves no terminal behind in raw mode."""

import os
import signal
import sys

import console
import harness

checks = harness.Checks()
READER = "python3 -c 'import sys; print(\"rea\" + \"ds\", flush=True); print(sys.stdin.readline().upper())'"


def facts(term):
    yield term.ask("tty | cut -c1-9; stty size; test -t 0 && test -t 1 && test -t 2; echo $?")
    yield term.ask("stty -a | tr ';' '\\n' | sed 's/^ *//' | sort")
    yield term.ask("python3 -c 'import os; print(os.isatty(0), os.ttyname(0)[:9])'")
    yield term.ask("echo direct >/dev/tty; sh -c 'echo also direct >/dev/tty'")
    yield term.ask("ls -l /proc/self/fd/0 | grep -o /dev/pts")
    yield term.ask("seq 3 | cat | tr 1 x")
    yield term.ask("sh -c 'sleep 0.05; exit 7'; echo $?")


def keys(term):
    for key, name in ("\x03", "^C"), ("\x1c", "^backslash"):
        term.type("sh -c 'echo rea''ds; exec sleep 100'\n")
        term.see("reads")
        term.type(key)
        yield name, console.plain(term.answer()), term.ask("echo $?")
    term.type(READER + "\n")
    term.see("reads")
    term.type("line\n")
    yield "LINE" in term.answer()
    # Typed, and echoed, before the command that reads it has started.
    term.type("for i in {1..400000}; do :; done; cat\n")
    console.pause()
    term.type("twice\n")
    term.see("twice")
    term.see("twice")
    term.type("\x04")
    yield term.answer()
    # ^U, erase and ^V are the line discipline's.
    term.type("head -1 | od -c | head -1\n")
    console.pause()
    term.type("nothing\x15ab\x7fc\n")
    yield "a   c" in term.see(console.PROMPT)


# Whether the shell says that the job has ended depends on when it hears of it, natively too.
END_JOB = "kill %1; fg >/dev/null 2>&1; jobs >/dev/null 2>&1; jobs"


def job_control(term):
    term.type("sh -c 'echo rea''ds; exec sleep 100'\n")
    term.see("reads")
    term.type("\x1a")
    yield console.plain(term.answer())
    yield console.plain(term.ask("jobs"))
    yield console.plain(term.ask("bg"))
    yield console.plain(term.ask("jobs"))
    term.type("fg\n")
    console.pause(1)
    term.type("\x1a")
    yield console.plain(term.answer())
    yield console.plain(term.ask(END_JOB))
    # A whole pipeline stops and goes on as one.
    term.type("sh -c 'sleep 1; echo rea''ds >/dev/tty; exec sleep 100' | cat | sh -c 'exec cat'\n")
    term.see("reads")
    term.type("\x1a")
    yield console.plain(term.answer())
    term.type("fg\n")
    console.pause(1)
    term.type("\x03")
    yield console.plain(term.answer())
    yield term.ask("echo ${PIPESTATUS[@]}")


SHELLS_OWN = "while :; do :; done"


def pipelines(term):
    """Of which the shell's own part is one, and commands the others. Each gets a signal once."""
    leader = "sh -c 'echo rea''ds >/dev/tty; exec sleep 100'"
    for key, name in ("\x03", "^C"), ("\x1c", "^backslash"):
        for line in (f"{leader} | {SHELLS_OWN}", f"cat rows | while read line; do {leader}; done",
                     f"while :; do {leader}; done | {SHELLS_OWN}"):
            term.type(line + "\n")
            term.see("reads")
            term.type(key)
            yield name, console.plain(term.answer()), term.ask("echo ${PIPESTATUS[@]}")
    term.type(f"{leader} | {SHELLS_OWN}\n")
    term.see("reads")
    term.type("\x1a")
    yield console.plain(term.answer())
    term.type("fg\n")
    console.pause(1)
    term.type("\x1a")
    yield console.plain(term.answer()), console.plain(term.ask("jobs"))
    yield console.plain(term.ask(END_JOB))
    # One of them is killed, and not the others.
    term.ask("sleep 100 | sh -c 'cat; echo rest >rest' & sleep 0.3; kill -9 $(jobs -p); wait")
    yield term.ask("cat rest; rm rest")
    # Nobody dies of it, and each of the three tells how often it came.
    for key in "\x03", "\x1c":
        term.type("python3 count.py one | python3 count.py two | (trap '' INT QUIT; cat >/dev/null)\n")
        for _ in "one", "two":
            term.see("reads")
        term.type(key)
        yield sorted(word for word in term.answer().split() if "/" in word)


def background(term):
    """Who reads in the background is stopped; who writes is not, unless the terminal says so."""
    term.type("cat &\n")
    console.pause()
    term.type("\n")
    term.see("Stopped")
    term.see(console.PROMPT)
    term.type("fg\n")
    console.pause(1)
    term.type("taken up\n")
    term.see("taken up")
    term.see("taken up")
    term.type("\x04")
    yield term.answer()
    yield sorted(console.plain(term.ask("sh -c 'echo from behind' & wait")))
    term.ask("stty tostop")
    term.type("sh -c 'sleep 0.1; echo held back' &\n")
    term.see(console.PROMPT)
    console.pause(0.5)
    term.type("\n")
    term.see("Stopped")
    term.see(console.PROMPT)
    yield console.plain(term.ask("stty -tostop; fg"))


def modes(term):
    """What a command changes stays changed, as natively."""
    yield term.ask("stty -echo; stty -a | grep -o -- '-echo '; stty echo")
    yield term.ask("stty intr ^T; stty -a | grep -o 'intr = ^T'; stty intr ^C")
    term.type("python3 -c 'import getpass; print(getpass.getpass(\"ke\" + \"y: \") + \" is it\")'\n")
    term.see("key: ")
    yield term.wait_for_modes(echo=False)
    console.pause()
    term.type("hidden\n")
    yield "hidden" in term.see("is it")
    term.see(console.PROMPT)
    term.type("python3 -c 'import tty, sys; tty.setraw(0); print(\"rea\" + \"ds\", flush=True); "
              "print(repr(sys.stdin.buffer.raw.read(1)))'; stty sane\n")
    term.see("reads")
    term.type("\x03")
    yield "b'\\x03'" in term.answer()
    term.ask("stty sane")


def size(term):
    term.resize(40, 120)
    console.pause()
    term.type("stty size; echo do''ne\n")
    yield "40 120" in term.see("done")
    term.see(console.PROMPT)
    term.type("python3 watch.py\n")
    term.see("reads")
    term.resize(30, 90)
    term.see("(90, 30)")
    yield term.answer()
    term.resize(console.ROWS, console.COLUMNS)


def inner_shell(term):
    """A shell in the sandbox has its own jobs on the same terminal."""
    term.type("bash --norc -i\n")
    console.pause(1)
    term.shell()
    term.type("sh -c 'echo rea''ds; exec sleep 100'\n")
    term.see("reads")
    term.type("\x1a")
    yield console.plain(term.answer())
    yield console.plain(term.ask("jobs"))
    term.type("fg\n")
    console.pause(1)
    term.type("\x03")
    yield console.plain(term.answer())
    yield term.ask("echo $?")
    yield console.plain(term.ask("exit 3"))
    yield term.ask("echo $?")


def full_screen(term):
    term.type("vi -u NONE -N made.txt\n")
    term.see("made.txt")
    console.pause(0.5)
    term.type("iwritten by keys\x1b")
    console.pause()
    term.type(":wq\n")
    term.see(console.PROMPT)
    yield term.ask("cat made.txt; rm made.txt")
    term.type("seq -f 'line %.0f' 200 | less\n")
    term.see("line 20")
    term.type("G")
    term.see("line 200")
    term.type("q")
    term.see(console.PROMPT)
    term.type("seq -f 'row %.0f' 200 >more; less more; rm more\n")
    term.see("row 20")
    term.type("/row 150\n")
    term.see("row 160")
    term.type("q")
    term.see(console.PROMPT)
    term.type("htop\n")
    term.see("PID")
    console.pause(0.5)
    term.type("q")
    term.see(console.PROMPT)
    yield term.ask("stty -a | grep -o ' icanon\\| echo '").split()


def terminals_inside(term):
    yield term.ask("script -qec 'tty | cut -c1-9; stty size; exit 4' /dev/null; echo $?")
    term.type("tmux -f /dev/null -L inner new-session 'echo in tm''ux; read line; echo got $line; read line'\n")
    term.see("in tmux")
    term.type("typed\n")
    term.see("got typed")
    term.type("\n")
    yield "exited" in term.see(console.PROMPT)
    yield term.ask("stty -a | grep -o ' icanon\\| echo '").split()


WATCH = """\
import os, signal, time
told = []
signal.signal(signal.SIGWINCH, lambda *_: told.append(tuple(os.get_terminal_size())))
print("reads", flush=True)
while not told:
    time.sleep(0.01)
print(told[-1])
"""
COUNT = """\
import signal, sys, time
told = []
for number in signal.SIGINT, signal.SIGQUIT:
    signal.signal(number, lambda number, _: told.append(number))
with open("/dev/tty", "w") as tty:
    print("reads", file=tty, flush=True)
    while not told:
        time.sleep(0.01)
    time.sleep(0.7)
    print("counted", *(f"{sys.argv[1]}/{number}" for number in told), file=tty, flush=True)
"""
SCENES = [facts, keys, job_control, pipelines, background, modes, size, inner_shell, full_screen,
          terminals_inside]


def run(term):
    out = {}
    with term:
        console.pause(0.5)
        term.shell()
        for scene in SCENES:
            try:
                out[scene.__name__] = list(scene(term))
            except console.pexpect.ExceptionPexpect as error:
                out[scene.__name__] = f"{type(error).__name__}; the screen ends with " \
                                      f"{term.child.before[-600:]!r}"
                return out
        term.type("exit 9\n")
        out["end"] = [term.end()]
    return out


def same_as_natively():
    space = harness.workspace()
    (space / "watch.py").write_text(WATCH)
    (space / "count.py").write_text(COUNT)
    (space / "rows").write_text("row\n")
    native = run(console.natively(space))
    session = run(console.in_session(space))
    for name in [*(scene.__name__ for scene in SCENES), "end"]:
        wanted, got = native.get(name), session.get(name)
        checks.check(f"{name}: runs natively", isinstance(wanted, list), wanted)
        checks.equal(f"{name}: as natively", got, wanted)
    return native


def main():
    harness.need_root()
    same_as_natively()
    checks.finish()


main()
