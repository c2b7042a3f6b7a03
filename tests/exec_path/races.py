#!/usr/bin/env python3
"""T3 and T4: while others rewrite the path, the page or the descriptors of an exec, nothing but
the relay and the CLI itself ever runs as agentcli."""

from harness import (ENGINE, FULL_COUNTS, SOAK, TRAP, WITHOUT_PTRACE, Checks, Session, count,
                     native, need_root, victim)

KINDS = {"thread": 20000, "sibling": 3000, "process": 20000, "alias": 5000, "dup2": 10000,
         "unmap": 5000}
# A million where it is the same code that runs elsewhere, too.
USUAL = (ENGINE, TRAP, WITHOUT_PTRACE) == ("local", "notify", False)
MOST = 1_000_000 if USUAL else 100_000
EVIL = [victim("mark_uid_static"), victim("mark_uid_nolibc")]  # the second needs no file at all
# What a caller may see of an exec that was raced.
OUTCOMES = {"ENOTDIR", "ENOENT", "EACCES", "EFAULT", "EBADF", "EMFILE", "EIO", "killed",
            "true-ran", "tries"}


def race(checks, kind, tries, racers, options=(), name="", evil=EVIL[0]):
    argv = [victim("racer"), kind, tries, racers, evil]
    result = Session(argv, options=options).run(7200 if SOAK else 300)
    facts = {what: int(number) for what, number in result.facts().items()}
    label = f"{kind}, {racers} racers{name}"
    checks.check(f"{label}: all {tries} tries ended", facts.get("tries") == tries, str(result))
    checks.equal(f"{label}: nothing else ran as agentcli", facts.get("ESCAPED", 0), 0)
    checks.equal(f"{label}: nothing else ran as anybody", facts.get("evil-ran-as-other", 0), 0)
    checks.equal(f"{label}: no other outcome", set(facts) - OUTCOMES, set())
    print(f"measured: {label}: {facts}")
    return facts


def control(checks):
    """The victims do tell when the other file runs: here it is what the path names."""
    for evil in EVIL:
        result = native([victim("as_command"), evil, "--status"])
        checks.equal(f"control: {evil} tells that it ran", result.status, 71)


def main():
    need_root()
    checks = Checks()
    control(checks)
    for kind, full in KINDS.items():
        race(checks, kind, count(full), 4)
    race(checks, "thread", MOST if FULL_COUNTS else 20000, 64)

    # Without Landlock the race is really lost now and then, and only the look at the new image is
    # left: a run that never had to kill has tested nothing. What a tracer executes is not the
    # caller's string but a page beside it.
    kind = "relay-page" if TRAP == "trace" else "thread"
    bare = race(checks, kind, count(20000), 4, ["--hide", "landlock"], ", no Landlock", EVIL[1])
    checks.check("no Landlock: another file was loaded, and killed", bare.get("killed", 0) > 0,
                 str(bare))
    bare = race(checks, "dup2", count(10000), 4, ["--hide", "landlock"], ", no Landlock",
                EVIL[1])
    checks.finish()


main()
