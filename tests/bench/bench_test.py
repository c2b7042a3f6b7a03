"""`scripts/bench exec --quick` measures every case, and every program it started has run.

usage: bench_test.py BUILD_DIR. No time is looked at. Exit status 77 where no session can run.
"""

import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXPECTED = [  # name, callers, CPUs, extra mounts, means
    ("true", 1, 2, 0, {"native", "intercepted", "bwrap", "script"}),
    ("true", 8, 2, 0, {"native", "intercepted", "bwrap"}),
    ("true", 64, 2, 0, {"native", "intercepted", "bwrap"}),
    ("static program", 1, 2, 0, {"native", "intercepted"}),
    ("missing program", 1, 2, 0, {"native", "intercepted"}),
    ("relay alone", 1, 2, 0, {"native"}),
    ("true", 1, 1, 0, {"native", "intercepted"}),
    ("true", 1, 2, 10, {"native", "intercepted", "bwrap"}),
    ("true", 1, 2, 200, {"native", "intercepted", "bwrap"}),
]
PERCENTILES = ("p10_us", "p50_us", "p99_us")

failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)


def check_figures(name, mean, figures):
    """The counts of one line of the table."""
    where = f"{name}, {mean}: {figures}"
    outcome = "missing" if name == "missing program" else "ran"
    expect(figures[outcome] == figures["count"] > 0, f"not every run ended as it should: {where}")
    low, median, high = (figures[key] for key in PERCENTILES)
    expect(0 < low <= median <= high, f"percentiles are out of order: {where}")
    expect(figures["per_second"] > 0, f"no throughput: {where}")


def check(result):
    expect(result["version"] == 1 and result["quick"] is True, "version and quick")
    expect(set(result["machine"]) == {"kernel", "cpus", "model"}, "machine")
    cases = [(case["name"], case["callers"], case["cpus"], case["extra_mounts"],
              set(case["means"])) for case in result["cases"]]
    expect(cases == EXPECTED, f"the cases are {cases}")
    for case in result["cases"]:
        for mean, figures in case["means"].items():
            check_figures(case["name"], mean, figures)
    for name in ("PID 1", "agent-task-runnerd"):
        expect(result["memory_kb"].get(name, 0) > 0, f"memory of {name}: {result['memory_kb']}")
    for target in result["targets"]:
        expect(target["value"] is not None, f"no value for the target {target['what']}")


def main():
    build = sys.argv[1]
    if os.geteuid() != 0:
        print("SKIP: sessions of engine local need root")
        return 77
    done = subprocess.run([f"{ROOT}/scripts/bench", "exec", "--quick", "--json", "-", "--build-dir",
                           build], stdout=subprocess.PIPE)
    if done.returncode != 0:
        print(f"scripts/bench ended with status {done.returncode}")
        return 1
    check(json.loads(done.stdout))
    for failure in failures:
        print(failure)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
