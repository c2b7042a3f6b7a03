#!/usr/bin/env python3
"""T6: an exec that cannot work fails with the errno it has natively, before anything is started."""

from harness import Checks, Session, native, need_root, victim, workspace


def main():
    need_root()
    checks = Checks()
    space = workspace()
    native(["mkdir", space / "d"])
    wanted = native([victim("errno_table"), space / "d"], timeout=60).facts()
    session = Session([victim("as_command"), "mkdir", "/workspace/d"]).run()
    checks.equal("mkdir as a command", session.status, 0)

    space = workspace()
    native(["mkdir", "-m", "0777", space / "d"])
    result = Session([victim("errno_table"), "/workspace/d"], space=space).run(120)
    got = result.facts()
    checks.check("the table is there", len(wanted) > 60, str(wanted))
    checks.check("the whole table was tried", list(got) == list(wanted), str(result))
    for what, outcome in wanted.items():
        checks.equal(what, got.get(what), outcome)

    # A set-user-ID program runs, and is worth nothing.
    su = Session([victim("as_command"), "/bin/su", "-c", "id -u"]).run()
    checks.check("su gives nothing", su.status not in (0, "timeout") and su.stdout == "", str(su))
    checks.finish()


main()
