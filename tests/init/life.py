"""What the tests of a session's start, life and end share, on top of the exec path's harness."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "exec_path"))
from harness import (BUILD, Checks, Session, need_root, read, tree_of, wait_until, workspace)

SUPERVISORCTL = str(BUILD / "libexec/supervisorctl")


def bash(script, **more):
    """A session whose CLI is bash."""
    return Session(["/bin/bash", "-c", script], **more)


class Events:
    """A file for --events."""

    def __init__(self):
        handle, path = tempfile.mkstemp(prefix="events-")
        os.close(handle)
        self.path = pathlib.Path(path)
        self.options = ("--events", path)

    def records(self, action):
        """The data of every record of one action."""
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line["data"] for line in lines if line["data"]["event"]["action"] == action]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.path.unlink()


def gone(session, seconds=2):
    """True once no process of the session is left."""
    return wait_until(lambda: not session.survivors(), seconds)


def outer(session):
    """The launcher has become agent-init by exec: the session's outermost process."""
    return session.process.pid


def status_of(name):
    done = subprocess.run([SUPERVISORCTL, "--session", name, "status", "--json"], text=True,
                          capture_output=True, check=False)
    return json.loads(done.stdout) if done.stdout else None


def line_from(session):
    """The next line the CLI prints."""
    return session.process.stdout.readline().rstrip("\n")


__all__ = ["Checks", "Events", "SUPERVISORCTL", "Session", "bash", "gone", "line_from",
           "need_root", "outer", "read", "signal", "status_of", "subprocess", "time", "tree_of",
           "wait_until", "workspace"]
