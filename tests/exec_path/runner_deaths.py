#!/usr/bin/env python3
"""The runner is killed again and again under 16 callers: every exec ends within a second with
success, EIO or SIGKILL, none hangs, and new ones work again within 200 ms."""

import random
import time

from harness import Checks, Session, count, need_root, victim, wait_until

SECOND = 1_000_000_000
ALLOWED = {"exit 0", "EIO", "signal 9"}


def kill_again_and_again(session, kills, gap, until):
    """Kills the runner `kills` times, or as often as there is time for; gives when."""
    times, last = [], None

    def fresh():
        runner = session.runner()
        return runner if runner and runner.pid != last else None

    for _ in range(kills):
        # Somebody must be there to feel it, and to see that it goes on.
        if time.monotonic() > until or not wait_until(fresh, 2, 0.002):
            break
        runner = fresh()
        time.sleep(gap * random.uniform(0.5, 1.5))
        runner.kill()
        last = runner.pid
        times.append(time.monotonic_ns())
    return times


def spawns_of(result):
    for line in result.stdout.splitlines():
        if line.startswith("spawn\t"):
            _, start, end, outcome = line.split("\t")
            yield int(start), int(end), outcome


def recovery(spawns, killed):
    """Nanoseconds from a kill to the end of the first success that began after it."""
    ends = [end for start, end, outcome in spawns if start >= killed and outcome == "exit 0"]
    return min(ends) - killed if ends else None


def main():
    need_root()
    checks = Checks()
    kills, per_session, gap = count(200), 20, 0.35
    outcomes, slowest, waits, done, where = {}, 0, [], 0, ""
    while done < kills:
        seconds = int(per_session * gap * 2) + 4
        session = Session([victim("spawn_load"), 16, f"{seconds}s", 0, "/bin/true"],
                          options=["--env", "TIMELINE=1"])
        with session:
            session.ready()
            until = time.monotonic() + seconds - 3
            time.sleep(0.5)
            times = kill_again_and_again(session, min(per_session, kills - done), gap, until)
            result = session.finish(seconds + 30)
        if not checks.check("the session goes on", result.status == 0 and times, str(result)):
            break
        done += len(times)
        spawns = list(spawns_of(result))
        for start, end, outcome in spawns:
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            if end - start > slowest:
                slowest = end - start
                since = [(start - killed) / 1e6 for killed in times if killed < end]
                where = f"{outcome}, begun {since[-1] if since else 0:+.0f} ms from the last kill"
        waits += [recovery(spawns, killed) for killed in times]
    print(f"measured: {done} kills, outcomes {outcomes}, slowest {slowest / 1e6:.0f} ms, "
          f"{where}")
    checks.equal("all kills were made", done, kills)
    checks.equal("no other outcome", set(outcomes) - ALLOWED, set())
    checks.check("every exec ended within a second", 0 < slowest < SECOND,
                 f"{slowest / 1e6:.0f} ms: {where}")
    checks.check("some execs felt it", set(outcomes) & {"EIO", "signal 9"}, str(outcomes))
    known = sorted(wait for wait in waits if wait is not None)
    checks.equal("every kill was followed by a success", len(known), len(waits))
    print(f"measured: waits for a success: {[round(wait / 1e6) for wait in known]} ms")
    checks.check("new execs work within 200 ms", known and known[-1] < 0.2 * SECOND,
                 f"longest waits {[round(w / 1e6) for w in known[-5:]]} ms")
    checks.finish()


main()
