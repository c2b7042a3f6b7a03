#!/usr/bin/env python3
"""scripts/demo shows what golden.json says: twice in a row, for another person, and as a table.

usage: demo_test.py SOURCE_ROOT BUILD_ROOT [--update]
--update writes golden.json from this run. Exit 77: cannot run here, with the reason.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden.json"

# What differs from run to run: pids and times.
MASKS = [(r'("(?:native|session)_ms": )[0-9.]+', r'\1"#"'), (r'("ratio": )[0-9.]+', r'\1"#"'),
         (r"/proc/\d+/", "/proc/#/")]


def demo(source, build, *options, sudo_uid=None):
    """Runs the demo as root, as if the person with this uid had typed sudo."""
    environment = {"PATH": os.environ["PATH"]}
    if sudo_uid is not None:
        environment |= {"SUDO_UID": str(sudo_uid), "SUDO_GID": str(sudo_uid)}
    return subprocess.run([source / "scripts/demo", "--build-dir", build, *options],
                          env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, check=False)


def masked(text):
    for pattern, replacement in MASKS:
        text = re.sub(pattern, replacement, text)
    return text


def leftovers():
    return sorted(pathlib.Path("/var/cache").glob("coding-agents-demo-*"))


def main():
    source, build = map(pathlib.Path, sys.argv[1:3])
    if os.geteuid() != 0:
        print("skipped: needs root")
        return 77
    before = leftovers()
    failures = []
    for person, uid in (("root", None), ("root again", None), ("root by sudo", 0),
                        ("uid 501", 501), ("uid 1000", 1000)):
        done = demo(source, build, "--json", sudo_uid=uid)
        if sys.argv[3:] == ["--update"]:
            GOLDEN.write_text(masked(done.stdout))
        if done.returncode != 0:
            failures.append(f"{person}: exit status {done.returncode}: {done.stderr}")
        elif masked(done.stdout) != GOLDEN.read_text():
            failures.append(f"{person}: differs from golden.json")
        if failures:
            print(done.stdout)
            break
    if not failures:
        rows = json.loads(done.stdout)["rows"]
        table = demo(source, build)
        lines = [line for line in table.stdout.splitlines() if line.startswith("ok ")]
        if table.returncode != 0 or len(lines) < len(rows):
            failures.append(f"the table: exit status {table.returncode}\n{table.stdout}")
    if leftovers() != before:
        failures.append(f"left behind: {leftovers()}")
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
