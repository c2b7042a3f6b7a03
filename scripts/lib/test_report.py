#!/usr/bin/python3
"""Counts the results that scripts/test gathered and holds them against what is promised."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PASSED, SKIPPED = {"OK", "EXPECTEDFAIL"}, {"SKIP"}


def read_table(path):
    """Rows of a tab-separated file without comments and empty lines."""
    if not path.exists():
        return []
    lines = path.read_text().splitlines()
    return [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]


def seconds_of(tests):
    """From the start of the first test to the end of the last."""
    if not tests:
        return 0
    begun = min(record["starttime"] for record in tests.values())
    return round(max(record["starttime"] + record["duration"] for record in tests.values()) - begun)


def read_results(directory):
    """Per suite, in the order it ran: its seconds and its tests as {name: record}."""
    suites = {}
    for file in sorted(directory.glob("*.ended"), key=lambda f: f.stat().st_mtime_ns):
        log, tests = file.with_suffix(".json"), {}
        for line in log.read_text().splitlines() if log.exists() else []:
            record = json.loads(line)
            name = record["name"].split(" / ")[-1]
            tests[name if name not in tests else f"{name} (again)"] = record
        suites[file.stem] = (seconds_of(tests), tests)
    return suites


def reason_of_skip(record):
    """The line that a skipped test printed."""
    text = record.get("stdout", "") + record.get("stderr", "")
    found = re.search(r"^(?:SKIP|skip)\w*:? *(.+)$", text, re.M)
    return found.group(1) if found else "no reason given"


def judge_tests(suites):
    """Counts, and the complaints about single tests."""
    must_run = os.environ.get("MUST_RUN") == "1"
    may_skip = {row[0]: row[1] for row in read_table(TOP / "tests/may-skip")}
    passed, skipped, complaints = 0, 0, []
    for suite, (_, tests) in suites.items():
        for name, record in sorted(tests.items()):
            test = f"{suite}/{name}"
            if record["result"] in PASSED:
                passed += 1
            elif record["result"] in SKIPPED:
                reason = reason_of_skip(record)
                if must_run and test not in may_skip:
                    complaints.append(f"{test} skipped where it must run: {reason}")
                else:
                    skipped += 1
                    print(f"skipped: {test}: {reason}")
            else:
                complaints.append(f"{test} {record['result']}")
        if not tests:
            complaints.append(f"{suite} ran no test")
    return passed, skipped, complaints


def judge_times(suites, total):
    """Prints each suite's time against its budget; gives the complaints."""
    budget = {row[0]: int(row[1]) for row in read_table(TOP / "tests/budget.tsv")}
    complaints = []
    print(f"\n{'suite':<10} {'tests':>5} {'seconds':>7} {'budget':>7}")
    rows = [(suite, len(tests), seconds) for suite, (seconds, tests) in suites.items()]
    rows.append(("total", sum(row[1] for row in rows), total))
    for suite, count, seconds in rows:
        allowed = budget.get(suite)
        print(f"{suite:<10} {count:>5} {seconds:>7} {allowed if allowed else '-':>7}")
        if allowed is None:
            complaints.append(f"suite {suite} has no row in tests/budget.tsv")
        elif seconds > allowed:
            complaints.append(f"{suite} took {seconds} s of {allowed} s")
    return complaints


def judge_roadmap(suites):
    """Complaints about tests that docs/roadmap.md names and that did not pass in this run."""
    ran = {f"{suite}/{name}": record["result"] for suite, (_, tests) in suites.items()
           for name, record in tests.items()}
    roadmap = TOP / "docs/roadmap.md"
    text = roadmap.read_text() if roadmap.exists() else ""
    named = set()
    for line in text.splitlines():
        cells = line.split("|")
        if len(cells) >= 5 and cells[-3].strip() in ("shipped", "partial"):
            named.update(re.findall(r"`((?:tidy|lint|unit|docs|sanitized|kernel|fuzz|container|e2e)/[^`]+)`", cells[-2]))
    return [f"docs/roadmap.md names {test}: {ran.get(test, 'did not run')}" for test in sorted(named)
            if ran.get(test) not in PASSED | SKIPPED]


def measured(suites):
    """What tests printed on lines that begin with `measured:`."""
    for suite, (_, tests) in suites.items():
        for name, record in sorted(tests.items()):
            for text in re.findall(r"^measured: (.+)$", record.get("stdout", ""), re.M):
                yield f"{suite}/{name}", text


def write_soak(path, suites, count):
    """The report of a run with full counts."""
    commit = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(TOP), "rev-parse", "HEAD"],
                            capture_output=True, text=True, check=False).stdout.strip()
    model = re.search(r"^model name\s*: (.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"MemTotal: *(\d+)", pathlib.Path("/proc/meminfo").read_text())
    lines = [f"# Soak run of {datetime.date.today()}", "",
             f"Commit {commit or 'unknown'}.",
             f"Machine: {os.cpu_count()} CPUs ({model.group(1) if model else platform.machine()}), "
             f"{int(memory.group(1)) // 1024} MB, Linux {platform.release()}.",
             f"Result: {count}.", "", "| suite | test | result | seconds |", "|---|---|---|---|"]
    for suite, (_, tests) in suites.items():
        for name, record in sorted(tests.items()):
            lines.append(f"| {suite} | {name} | {record['result']} | {record['duration']:.1f} |")
    lines += ["", "| test | measured |", "|---|---|"]
    lines += [f"| {test} | {text} |" for test, text in measured(suites)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    print(f"written: {path.relative_to(TOP)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--whole", action="store_true", help="every suite ran")
    parser.add_argument("--soak", type=pathlib.Path)
    parser.add_argument("--failed-build", action="append", default=[])
    options = parser.parse_args()

    suites = read_results(options.results)
    total = int((options.results / "total.seconds").read_text())
    passed, skipped, complaints = judge_tests(suites)
    late = judge_times(suites, total)
    complaints += [f"something that suite {suite} needs does not compile"
                   for suite in options.failed_build]
    complaints += [] if options.soak else late
    complaints += judge_roadmap(suites) if options.whole else []
    if passed == 0:
        complaints.append("no test passed")
    print()
    for complaint in complaints:
        print(f"FAILED: {complaint}")
    count = f"{passed} passed, {len(complaints)} failed, {skipped} skipped"
    if options.soak:
        write_soak(options.soak, suites, count)
    print(count)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
