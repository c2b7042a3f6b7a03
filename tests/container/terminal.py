"""A person at a terminal, for the tests beside this file."""

import re

import pexpect

SECONDS = 30
DETACH = "\x1ed"  # ctrl-^ d


class Terminal:
    """Types, and looks for what must appear."""

    def __init__(self, engine, line, size=(24, 80)):
        self.child = pexpect.spawn(str(line[0]), [str(word) for word in line[1:]], dimensions=size,
                                   env={**engine.environment, "TERM": "xterm"}, encoding="utf-8",
                                   timeout=SECONDS)
        self.child.delaybeforesend = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.close(force=True)

    def see(self, text):
        try:
            self.child.expect(re.escape(text))
            return True
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False

    def say(self, text):
        self.child.send(text)

    def seen(self):
        return (self.child.before or "")[-500:]

    def end(self):
        """Its exit status; what it printed last is in seen()."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.exitstatus if self.child.signalstatus is None else -self.child.signalstatus


def shell(engine, space, name):
    """A session whose CLI is a shell at a terminal."""
    return Terminal(engine, engine.line(space, "/bin/bash", "--norc", "-i", options=["--name", name]))
