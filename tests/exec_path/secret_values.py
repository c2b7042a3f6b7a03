#!/usr/bin/env python3
"""A value that equals a secret of the session reaches no command, by environment or argument."""

import json

from harness import Checks, Session, need_root, read, victim, workspace

KEY = "canary_value_0123456789abcdef"  # may be part of a name
TAKE = "read key </run/agent-secrets/custom/API_KEY; "


def run(script, *args):
    events = workspace() / "events"
    result = Session(["/bin/bash", "-c", TAKE + script, *args], secrets={"API_KEY": KEY},
                     options=["--events", events]).run(60)
    return result, [json.loads(line) for line in read(events).splitlines()]


def main():
    need_root()
    checks = Checks()
    show = f"{victim('as_command')} /bin/sh -c 'env; echo end'"
    for name, script in {
            "environment": f"INNOCENT=$key {show}",
            "environment, inside a longer value": f'INNOCENT="Bearer $key" {show}',
            "environment, as a name's part": f'export "X$key=1"; {show}',
            "environment of a here string": f"export A=1 B=$key C=3; {show}"}.items():
        result, _ = run(script)
        checks.check(f"{name}: the command ran", "end" in result.stdout, str(result))
        checks.check(f"{name}: the value is withheld", KEY not in result.stdout, "it got through")
    kept, _ = run(f"INNOCENT=other {show}")
    checks.check("control: another value gets through", "INNOCENT=other" in kept.stdout, str(kept))

    for name, script in {"argument": '/bin/echo "$key"',
                         "inside an argument": '/bin/sh -c "echo Bearer $key"',
                         "argv[0]": 'exec -a "$key" /bin/echo x'}.items():
        result, events = run(script + "; exit $?")
        checks.equal(f"{name}: denied", result.status, 126)
        checks.check(f"{name}: says why, without the value",
                     "agent-task-runner: denied" in result.stderr and
                     KEY not in result.stderr + result.stdout, str(result))
        checks.check(f"{name}: the events do not hold it", KEY not in json.dumps(events))
        checks.check(f"{name}: it is an event", any("denied" in json.dumps(e) for e in events),
                     str(events)[-500:])
    kept, _ = run("/bin/echo other; exit $?")
    checks.equal("control: another argument runs", (kept.status, kept.stdout), (0, "other\n"))
    checks.finish()


main()
