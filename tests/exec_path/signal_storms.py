#!/usr/bin/env python3
"""T5: signals that hit an exec: the command runs exactly once or the exec failed, never both."""

from harness import Checks, Session, count, native, need_root, victim, workspace


def judge(checks, name, result, tries):
    facts = result.facts()
    ends = {what[4:]: int(n) for what, n in facts.items() if what.startswith("end ")}
    checks.equal(f"{name}: every try ended", sum(ends.values()), tries)
    for what in ("ran-twice", "success-without-run", "run-after-failure"):
        checks.equal(f"{name}: {what}", facts.get(what), "0")
    # A signal on its way when the exec succeeds kills the command, natively too.
    checks.equal(f"{name}: no other end", set(ends) - {"exit 0", "signal 10"}, set())
    checks.check(f"{name}: many commands ran", ends.get("exit 0", 0) > tries / 10, str(ends))
    print(f"     {name}: {ends}")


def main():
    need_root()
    checks = Checks()
    tries = count(5000)
    space = workspace()
    judge(checks, "native", native([victim("signal_storm"), tries, space, victim("note_number"),
                                    space / "runs"]), tries)
    argv = [victim("signal_storm"), tries, "/workspace", victim("note_number"), "/workspace/runs"]
    judge(checks, "session", Session(argv).run(600), tries)
    checks.finish()


main()
