#!/usr/bin/env python3
"""T5: signals that hit an exec: the command runs exactly once or the exec failed, never both."""

import json

from harness import Checks, Session, count, native, need_root, read, victim, workspace


def judge(checks, name, result, tries, may_be_interrupted):
    facts = result.facts()
    ends = {what[4:]: int(n) for what, n in facts.items() if what.startswith("end ")}
    checks.equal(f"{name}: every try ended", sum(ends.values()), tries)
    for what in ("ran-twice", "success-without-run", "run-after-failure"):
        checks.equal(f"{name}: {what}", facts.get(what), "0")
    # A signal on its way when the exec succeeds kills the command, natively too.
    possible = {"exit 0", "signal 10"} | ({"EINTR"} if may_be_interrupted else set())
    checks.equal(f"{name}: no other end", set(ends) - possible, set())
    checks.check(f"{name}: many commands ran", ends.get("exit 0", 0) > tries / 10, str(ends))
    print(f"measured: {name}: {ends}")
    return ends


def storm(checks, handler, tries):
    space = workspace()
    judge(checks, f"native, {handler}",
          native([victim("signal_storm"), handler, tries, space, victim("note_number"),
                  space / "runs"]), tries, may_be_interrupted=False)
    argv = [victim("signal_storm"), handler, tries, "/workspace", victim("note_number"),
            "/workspace/runs"]
    events = workspace() / "events"
    # A signal that comes before the runner has received the exec interrupts it; how often is a
    # matter of how soon the runner gets the processor. With SA_RESTART nobody sees it.
    ends = judge(checks, f"session, {handler}", Session(argv, options=["--events", events]).run(600),
                 tries, may_be_interrupted=handler == "interrupt")
    # What the runner has let through ends as a command, never as EINTR.
    records = [json.loads(line) for line in read(events).splitlines()]
    allowed = [r for r in records if r["data"]["event"]["action"] == "exec-allowed"]
    checks.equal(f"{handler}: no exec is interrupted after it was allowed", len(allowed),
                 tries - ends.get("EINTR", 0))


def main():
    need_root()
    checks = Checks()
    tries = count(5000)
    storm(checks, "interrupt", tries // 2)
    storm(checks, "restart", tries // 2)
    checks.finish()


main()
