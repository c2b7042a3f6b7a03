"""`scripts/bench` measures every case, and every program it started has run.

usage: bench_test.py BUILD_DIR exec|stages|start. No time is looked at. Exit status 77 where no
session can run.
"""

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

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


def bench(build, *words):
    """The result, as JSON."""
    with tempfile.NamedTemporaryFile() as file:
        done = subprocess.run([f"{ROOT}/scripts/bench", *words, "--json", file.name, "--build-dir",
                               build], stdout=subprocess.PIPE)
        if done.returncode != 0:
            print(f"scripts/bench {' '.join(words)} ended with status {done.returncode}")
            sys.exit(1)
        return json.load(file)


def try_exec(build):
    with tempfile.NamedTemporaryFile() as picture:
        check(bench(build, "exec", "--quick", "--plot", picture.name))
        drawn = xml.etree.ElementTree.parse(picture).getroot()
    space = "{http://www.w3.org/2000/svg}"
    curves = [path for path in drawn.iter(f"{space}path") if path.get("stroke-width") == "2"]
    expect(len(curves) == len(EXPECTED[0][4]), f"{len(curves)} curves are drawn")


def try_stages(build):
    result = bench(build, "stages", "--runs", "50")
    expect(len(result["cases"]) == 4, f"the cases are {list(result['cases'])}")
    for name, case in result["cases"].items():
        expect(case["starts"] >= 25, f"{name}: only {case['starts']} of 50 starts could be followed")
        for row in case["stages"]:
            expect(0 <= row["nobody_ran_us"] <= row["us"] and row["us"] > 0, f"{name}: {row}")


def try_start(build):
    result = bench(build, "start", "--quick")
    for mean in ("tini", "agent-init"):
        figures = result["cases"][0]["means"][mean]
        expect(figures["ran"] == figures["count"] > 0 and figures["p50_us"] > 0, f"{mean}: {figures}")
    expect(len(result["targets"]) == 1, f"the targets are {result['targets']}")


def main():
    build, what = sys.argv[1:]
    if os.geteuid() != 0:
        print("SKIP: sessions of engine local need root")
        return 77
    {"exec": try_exec, "stages": try_stages, "start": try_start}[what](build)
    for failure in failures:
        print(failure)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
