"""A terminal with a shell at its other end: on this machine, or as the vendor CLI of a session."""

import os
import re
import termios
import time

import pexpect

import harness

SHELL = ["bash", "--norc", "--noprofile", "-i"]
PROMPT = "ready> "
ROWS, COLUMNS = 24, 80
SECONDS = 20


class Console:
    """Types, and waits for what must appear. Any wait that is too long ends the test."""

    def __init__(self, argv, cwd, env=None):
        self.child = pexpect.spawn(argv[0], argv[1:], cwd=str(cwd), dimensions=(ROWS, COLUMNS),
                                   env=harness.clean_env(TERM="xterm", HOME="/tmp", **(env or {})),
                                   encoding="utf-8", codec_errors="replace", timeout=SECONDS)
        self.child.delaybeforesend = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.close(force=True)

    def shell(self):
        """Makes a fresh shell's prompt the one that ask() knows."""
        # The quotes keep the echo of this line from being taken for the prompt.
        self.child.sendline("bind 'set enable-bracketed-paste off'; PS1='rea''dy> '")
        self.child.expect_exact(PROMPT)
        return self

    def type(self, text):
        self.child.send(text)

    def see(self, *texts):
        """Waits for one of these; gives what came before it."""
        self.child.expect([re.escape(text) for text in texts])
        return self.child.before

    def ask(self, line):
        """What the shell's command prints, without the echo of the line."""
        self.child.sendline(line)
        return self.answer(line)

    def answer(self, echoed=""):
        """What comes before the next prompt."""
        text = self.see(PROMPT).replace("\r", "")
        return text[text.find(echoed) + len(echoed):].strip()

    def modes(self):
        """The terminal's modes, as the one who holds its other end sees them."""
        modes = termios.tcgetattr(self.child.child_fd)
        return {"canonical": bool(modes[3] & termios.ICANON), "echo": bool(modes[3] & termios.ECHO),
                "signals": bool(modes[3] & termios.ISIG), "output": bool(modes[1] & termios.OPOST)}

    def wait_for_modes(self, **wanted):
        """True once the terminal has these modes."""
        return harness.wait_until(
            lambda: all(self.modes()[name] == value for name, value in wanted.items()))

    def resize(self, rows, columns):
        self.child.setwinsize(rows, columns)

    def end(self):
        """The exit status, after the shell's end."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.exitstatus if self.child.signalstatus is None else -self.child.signalstatus


def natively(space, argv=None):
    prefix = ["setpriv", f"--reuid={harness.AGENTUSER}", f"--regid={harness.AGENTUSER}",
              "--clear-groups", "--no-new-privs"]
    return Console([*prefix, *(argv or SHELL)], space)


def in_session(space, argv=None, options=()):
    session = harness.Session(argv or SHELL, space, options=options)
    term = Console(session.command_line({}), space)
    session.process = term.child
    term.session = session
    return term


def plain(text):
    """Without what differs between two runs of the same: process numbers, colours, empty lines."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.replace("\r", ""))
    text = re.sub(r"(\[\d+\][+-]?) \d+\b", r"\1 N", text)
    text = re.sub(r"(line \d+:) +\d+ ", r"\1 N ", text)
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def pause(seconds=0.3):
    """For what must not happen, and for what nothing tells of."""
    time.sleep(seconds)
