#!/usr/bin/env python3
"""T12: p50 and p99 of one command at 1, 8 and 64 callers. Prints; asserts only that all ran and
that none waited for seconds: figures belong to scripts/bench."""

from harness import Checks, Session, count, native, need_root, victim


def main():
    need_root()
    checks = Checks()
    print(f"{'callers':>8} {'native p50':>11} {'p50':>8} {'p99':>8}   µs")
    for callers in (1, 8, 64):
        spawns = count(10000)
        argv = [victim("spawn_load"), callers, spawns, 0, "/bin/true"]
        plain = native(argv, timeout=600).facts()
        result = Session(argv).run(600)
        facts = result.facts()
        checks.equal(f"{callers} callers: all ran", facts.get("as-expected exit 0"), str(spawns))
        checks.check(f"{callers} callers: none waited 2 s", int(facts.get("slowest", 9e9)) < 2e6,
                     str(result))
        print(f"{callers:>8} {plain['p50']:>11} {facts.get('p50', '?'):>8} "
              f"{facts.get('p99', '?'):>8}", flush=True)
    checks.finish()


main()
