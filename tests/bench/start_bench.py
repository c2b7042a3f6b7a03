#!/usr/bin/python3
"""Measures how long a container takes from its first instruction to the CLI's, against tini's.

usage: scripts/bench start [--json FILE] [--quick] [--check] [--build-dir DIR]

A Docker engine of the bench's own runs containers of one image in turns: with agent-init as
run-agent starts them, and with tini as `docker run` would. What the engine itself needs comes
before, and counts for neither.

  --quick       few runs: shows that it works, says nothing about speed
  --check       compares the medians with targets.json; exit status 1 when one is missed
  --json FILE   write the figures there as well (- for standard output, instead of the table)
"""

import argparse
import json
import os
import pathlib
import shutil
import sys

import machine
import report
import servers

ROOT = pathlib.Path(machine.ROOT)
IMAGE = "agent:start-bench"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench start", description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--build-dir", default=f"{ROOT}/build")
    return parser.parse_args()


def make_image(engine, build):
    """Ours, with tini, and with a program that notes the time before PID 1."""
    engine.image("agent:start-bench-base", "tini")
    entry = json.loads(engine.must("image", "inspect", "-f", "{{json .Config.Entrypoint}}",
                                   "agent:start-bench-base").stdout)
    context = engine.run_dir / "bench"
    context.mkdir()
    shutil.copy2(build / "tests/bench/stamp", context)
    (context / "Dockerfile").write_text(
        "FROM agent:start-bench-base\nCOPY stamp /opt/bench/stamp\n"
        f"ENTRYPOINT {json.dumps(['/opt/bench/stamp', *entry])}\n")
    engine.must("build", "--network", "none", "-t", IMAGE, context)


def nanoseconds(done, what):
    try:
        return int(done.stdout)
    except ValueError:
        raise SystemExit(f"bench: {what} gave no time (status {done.returncode}):\n"
                         f"{done.stdout}{done.stderr}") from None


def measure(engine, turns):
    """{means: figures}"""
    space = engine.workspace(mode=0o777)  # where the time is noted, by whoever is first
    ours = engine.line(space, "/opt/bench/stamp")
    ours[ours.index("--image") + 1] = IMAGE
    tini = ["docker", "run", "--rm", "-i", "--network", "none", "--read-only", "--tmpfs", "/tmp",
            "--volume", f"{space}:/workspace", "--entrypoint", "/opt/bench/stamp", IMAGE, "/usr/bin/tini", "--", "/opt/bench/stamp"]
    samples = {"tini": servers.Samples(), "agent-init": servers.Samples()}
    for turn in range(turns + 1):
        for name, line in ("tini", tini), ("agent-init", ours):
            took = nanoseconds(engine.run(line), name)
            if turn > 0:  # the first warms caches up
                samples[name].add(servers.Samples(ran=1, elapsed=took, times=[took]))
    return {name: sample.figures() for name, sample in samples.items()}


def main():
    options = parse_arguments()
    os.environ["BUILD_DIR"] = options.build_dir
    sys.path.append(str(ROOT / "tests/container"))
    from engine import Engine  # after BUILD_DIR is set, which it reads
    with Engine() as engine:
        make_image(engine, pathlib.Path(options.build_dir))
        means = measure(engine, 2 if options.quick else 20)
    case = {"name": "container start", "callers": 1, "cpus": os.cpu_count(), "extra_mounts": 0,
            "means": means}
    print(report.progress(case), file=sys.stderr)
    result = {"version": 1, "quick": options.quick, **machine.described(), "cases": [case]}
    targets = json.loads((ROOT / "tests/bench/targets.json").read_text())["start"]
    result["targets"] = report.judge(targets, result)
    text = json.dumps(result, indent=1)
    if options.json == "-":
        print(text)
    elif options.json:
        pathlib.Path(options.json).write_text(text + "\n")
    if options.check:
        print(report.verdicts(result["targets"]))
        return 0 if all(target["met"] for target in result["targets"]) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
