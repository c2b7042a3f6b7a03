#!/usr/bin/python3
"""The report of scripts/test: what it counts, what it calls a failure, and its last line."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
ROADMAP = "| a phrase | shipped | `unit/a` |\n"

# name, {suite: (seconds, {test: (result, stdout)})}, options, MUST_RUN, last line, words before it
CASES = [
    ("all pass", {"unit": (1, {"a": ("OK", "")})}, [], "", "1 passed, 0 failed, 0 skipped", ""),
    ("one fails", {"unit": (1, {"a": ("OK", ""), "b": ("FAIL", "")})}, [], "",
     "1 passed, 1 failed, 0 skipped", "FAILED: unit/b FAIL"),
    ("a time-out fails", {"unit": (1, {"a": ("OK", ""), "b": ("TIMEOUT", "")})}, [], "",
     "1 passed, 1 failed, 0 skipped", "unit/b TIMEOUT"),
    ("a skip is counted", {"unit": (1, {"a": ("OK", ""), "b": ("SKIP", "SKIP: no kernel\n")})}, [], "",
     "1 passed, 0 failed, 1 skipped", "skipped: unit/b: no kernel"),
    ("a skip where it must run fails", {"unit": (1, {"a": ("OK", ""), "b": ("SKIP", "SKIP: no kernel\n")})},
     [], "1", "1 passed, 1 failed, 0 skipped", "unit/b skipped where it must run: no kernel"),
    ("a listed skip may be", {"unit": (1, {"a": ("OK", ""), "may": ("SKIP", "")})}, [], "1",
     "1 passed, 0 failed, 1 skipped", "skipped: unit/may"),
    ("no test is a failure", {"unit": (1, {})}, [], "", "0 passed, 2 failed, 0 skipped", "unit ran no test"),
    ("too slow", {"unit": (61, {"a": ("OK", "")})}, [], "", "1 passed, 1 failed, 0 skipped",
     "unit took 61 s of 60 s"),
    ("no budget", {"new": (1, {"a": ("OK", "")})}, [], "", "1 passed, 1 failed, 0 skipped",
     "suite new has no row in tests/budget.tsv"),
    ("a build fails", {"unit": (1, {"a": ("OK", "")})}, ["--failed-build", "unit"], "",
     "1 passed, 1 failed, 0 skipped", "something that suite unit needs does not compile"),
    ("the roadmap's tests ran", {"unit": (1, {"a": ("OK", "")})}, ["--whole"], "",
     "1 passed, 0 failed, 0 skipped", ""),
    ("the roadmap names what did not run", {"unit": (1, {"b": ("OK", "")})}, ["--whole"], "",
     "1 passed, 1 failed, 0 skipped", "docs/roadmap.md names unit/a: did not run"),
    ("names with their suite", {"unit": (1, {"unit / a": ("OK", "")})}, ["--whole"], "",
     "1 passed, 0 failed, 0 skipped", ""),
]


def make_tree(directory, suites):
    """A checkout with the report and the results of a run."""
    for name, text in {"tests/budget.tsv": "unit\t60\ntotal\t100\n", "tests/may-skip": "unit/may\tno\n",
                       "docs/roadmap.md": ROADMAP}.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    (directory / "scripts/lib").mkdir(parents=True)
    shutil.copy(TOP / "scripts/lib/test_report.py", directory / "scripts/lib")
    results = directory / "results"
    results.mkdir()
    for suite, (seconds, tests) in suites.items():
        (results / f"{suite}.ended").touch()
        (results / f"{suite}.json").write_text("".join(
            json.dumps({"name": name, "result": result, "stdout": text, "duration": seconds,
                        "starttime": 1000.5}) + "\n"
            for name, (result, text) in tests.items()))
    (results / "total.seconds").write_text("1")
    return results


def run_report(directory, results, options, must_run):
    environment = {**os.environ, "MUST_RUN": must_run, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, directory / "scripts/lib/test_report.py", results, *options],
                          env=environment, text=True, capture_output=True, check=False)


def check_soak():
    """A soak run writes a page with what the tests measured."""
    with tempfile.TemporaryDirectory() as path:
        directory = pathlib.Path(path)
        results = make_tree(directory, {"unit": (99, {"a": ("OK", "measured: 17 apples\n")})})
        page = directory / "docs/measurements/soak.md"
        run = run_report(directory, results, ["--soak", page], "")
        text = page.read_text() if page.exists() else ""
        good = run.returncode == 0 and "| unit/a | 17 apples |" in text and re.search("^Commit ", text, re.M)
        return [] if good else [f"soak: {run.stdout}{run.stderr}{text}"]


def main():
    wrong = check_soak()
    for name, suites, options, must_run, last, words in CASES:
        with tempfile.TemporaryDirectory() as path:
            directory = pathlib.Path(path)
            run = run_report(directory, make_tree(directory, suites), options, must_run)
            good = run.stdout.splitlines()[-1:] == [last] and words in run.stdout
            if not good or (run.returncode == 0) != (" 0 failed" in last):
                wrong.append(f"{name}: status {run.returncode}: {run.stdout}{run.stderr}")
    print(f"{len(CASES) + 1} cases")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
