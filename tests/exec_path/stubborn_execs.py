#!/usr/bin/env python3
"""Execs that die, stop or wait where no exec should: nobody else's exec waits for them, and no
worker is lost."""

import os
import pathlib
import shutil
import tempfile

from harness import VICTIMS, Checks, Session, count, native, need_root, victim

# Where the agent file of Codex has the one program that may execute itself by /proc/self/exe.
PROGRAM = "vendor/x86_64-unknown-linux-musl/bin/codex"


def threads(checks, what, times):
    words = [victim("group_execs"), what, times]
    plain = native(words)
    checks.equal(f"natively, {what}", plain.facts(), {"runs": str(times), "wrong": "0"})
    result = Session(words).run(60 + times // 20)
    checks.equal(f"{what}: each ends as it should", result.facts(),
                 {"runs": str(times), "wrong": "0"})


def own_program(*arguments):
    """A session whose CLI may execute itself."""
    with tempfile.TemporaryDirectory(prefix="victims-") as directory:
        os.chmod(directory, 0o755)
        program = pathlib.Path(directory) / PROGRAM
        program.parent.mkdir(parents=True)
        shutil.copy(VICTIMS / "own_execs", program)
        options = ["--agent", "codex", "--cli-dir", directory]
        return Session([program, *arguments], options=options).run(300)


def is_quick(checks, what, result):
    slowest = result.facts().get("slowest", "none")
    checks.check(f"{what}: other execs do not wait", slowest.isdigit() and int(slowest) < 2000,
                 result)


def main():
    need_root()
    checks = Checks()
    threads(checks, "die", 20)  # more than there are workers
    threads(checks, "both", count(3000))
    times = count(5000)
    stops = own_program("stop", times)
    checks.equal("stop: each goes on", stops.facts().get("right"), str(times))
    is_quick(checks, "stop", stops)
    is_quick(checks, "write", own_program("write"))
    checks.finish()


main()
