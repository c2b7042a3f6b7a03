#!/usr/bin/python3
"""docs/roadmap.md: each row has a state, and the tests that it names exist.

Usage: roadmap_test.py ROOT BUILD. That they passed is checked by scripts/test after a whole run.
"""

import json
import pathlib
import re
import subprocess
import sys


def existing_tests(build):
    """suite/name of every test of the build; each unit test also runs sanitized."""
    text = subprocess.run(["meson", "introspect", "--tests", str(build)], text=True,
                          capture_output=True, check=True).stdout
    names = {f"{suite.split(':')[-1]}/{test['name']}" for test in json.loads(text)
             for suite in test["suite"]}
    return names | {"sanitized" + name[4:] for name in names if name.startswith("unit/")}


def main():
    root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    existing, wrong, states = existing_tests(build), [], {"shipped": 0, "partial": 0, "no": 0}
    for number, line in enumerate((root / "docs/roadmap.md").read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3 or set(cells[1]) <= {"-"} or cells[1] == "state":
            continue
        phrase, state, shown_by = cells
        tests = re.findall(r"`((?:tidy|lint|unit|docs|sanitized|kernel|fuzz|container|e2e)/[^`]+)`", shown_by)
        if state not in states:
            wrong.append(f"line {number}: state '{state}' of '{phrase[:50]}'")
            continue
        states[state] += 1
        if state != "no" and not tests:
            wrong.append(f"line {number}: {state}, but no test: '{phrase[:50]}'")
        if state == "no" and tests:
            wrong.append(f"line {number}: a test for what is not there: '{phrase[:50]}'")
        wrong += [f"line {number}: no test {test}" for test in tests if test not in existing]
    print(states)
    print("\n".join(wrong))
    return 1 if wrong or sum(states.values()) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
