#!/usr/bin/env python3
"""T8: exit codes, signals, stops and continues of a command, as its parent sees them."""

from harness import SOAK, Checks, Session, native, need_root, victim

KINDS = (["exits", "1" if SOAK else "5"], ["signals"], ["stops"], ["orphan"], ["shell-only"])


def main():
    need_root()
    checks = Checks()
    for kind in KINDS:
        argv = [victim("wait_status"), *kind]
        wanted = native(argv)
        result = Session(argv).run(120)
        got = result.facts()
        checks.check(f"{kind[0]}: all were tried", list(got) == list(wanted.facts()), str(result))
        for what, outcome in wanted.facts().items():
            # A relay can only stop itself by SIGSTOP: docs/fidelity.md.
            same = got.get(what) == outcome or (outcome == "stop 20" and got.get(what) == "stop 19")
            checks.check(f"{kind[0]}: {what}", same, f"got {got.get(what)}, wanted {outcome}")
    checks.equal("shell-only: its own lines", result.stdout, wanted.stdout)

    # The session's status is the CLI's.
    for script, status in (("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 128 + 15),
                           ("kill -KILL $$", 128 + 9)):
        checks.equal(f"session of a CLI that does '{script}'",
                     Session([victim("as_command"), "/bin/sh", "-c", script]).run().status, status)
    checks.finish()


main()
