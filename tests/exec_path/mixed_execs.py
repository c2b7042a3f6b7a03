#!/usr/bin/env python3
"""Programs of every kind, started by 32 threads for as long as one likes: no result is wrong."""

import os
import time

from harness import (AGENTUSER, FULL_COUNTS, Checks, Session, count, native, need_root, victim,
                     workspace)

THREADS, RUNS = 32, count(10000)
SECONDS = 600 if FULL_COUNTS else 5


def a_workspace(says="script"):
    """What the programs use."""
    space = workspace()
    for name, text in (("script", f"#!/bin/sh\necho {says} $1\n"),
                       ("no-interpreter", "#!/no/such/interpreter\n")):
        (space / name).write_text(text)
        (space / name).chmod(0o755)
    for number in range(10):
        folder = space / f"folder-{number}"
        folder.mkdir()
        (folder / "name").write_text(f"{folder.name}\n")
    for path in space.rglob("*"):
        os.chown(path, AGENTUSER, AGENTUSER)
    return space


def words(runs, seconds):
    seed = int(time.time())
    print(f"seed {seed}", flush=True)
    return [victim("mixed_execs"), THREADS, runs, seconds, seed]


def wrong_ones(result):
    return [line for line in result.stdout.splitlines() if line.startswith("wrong ")]


def main():
    need_root()
    checks = Checks()
    plain = native(words(500, 0), cwd=a_workspace())
    checks.equal("natively: no wrong result", wrong_ones(plain), [])
    checks.check("natively: all ran", plain.number("runs") >= 500, plain)
    control = native(words(500, 0), cwd=a_workspace(says="something else"))
    checks.check("control: a wrong result is seen", control.number("wrong") > 0, control)

    start = time.monotonic()
    result = Session(words(RUNS, SECONDS), space=a_workspace()).run(SECONDS + 600)
    checks.equal("the session ended well", result.status, 0)
    checks.check(f"{THREADS} threads started {RUNS} programs", result.number("runs") >= RUNS, result)
    checks.check(f"for {SECONDS} seconds", time.monotonic() - start >= SECONDS)
    checks.equal("no wrong result", wrong_ones(result), [])
    checks.equal("and none is counted", result.facts().get("wrong"), "0")
    print(f"measured: {result.number('runs')} programs of every kind by {THREADS} threads in {SECONDS} s, "
          f"{result.number('wrong')} wrong results")
    kinds = {what: int(times) for what, times in result.facts().items() if what.startswith("ran ")}
    checks.check("every kind ran", len(kinds) > 15 and min(kinds.values()) > 0, kinds)
    checks.finish()


main()
