#!/usr/bin/python3
"""Measures what interception costs: programs started natively, in a session, and by other means.

usage: scripts/bench exec [--json FILE] [--plot FILE] [--quick] [--check] [--build-dir DIR]
                          [--programs DIR]

All means are measured in the same run and in turns (native, intercepted, bwrap, script, native, …),
by the same program (spawn_bench), so that a busy machine slows all of them alike. Every figure is a
percentile over all turns; a ratio is against the native median of the same case.

  --quick       few runs: shows that it works, says nothing about speed
  --check       compares the medians with targets.json; exit status 1 when one is missed
  --json FILE   write the figures there as well (- for standard output, instead of the table)
  --plot FILE   draw there, as SVG, how the times of the first case are distributed
"""

import argparse
import json
import os
import shutil
import sys
import tempfile

import machine
import plot
import report
import servers

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OWNER = 1000
TRUE = ["/usr/bin/true"]
MISSING = ["/usr/bin/no-such-program"]


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench exec", description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--build-dir", default=f"{ROOT}/build")
    parser.add_argument("--programs", help="folder of the measuring programs")
    return parser.parse_args()


class Bench:
    """Runs the cases and keeps their figures."""

    def __init__(self, options, scratch, programs):
        self.turns, self.runs = (2, 4) if options.quick else (12, 50)
        self.build = options.build_dir
        self.workspace = f"{scratch}/workspace"
        self.programs = programs
        self.cases = []
        self.memory = {}
        os.mkdir(self.workspace)
        os.chown(self.workspace, OWNER, OWNER)
        for name in ("bench/spawn_bench", "bench/relay_bench", "parity/leaf-static"):
            shutil.copy2(f"{options.programs or self.build + '/tests'}/{name}", self.programs)
        shutil.copy2(f"{HERE}/unshare_and_setpriv.sh", self.programs)

    def native(self, setup):
        return servers.Native(setup, self.workspace, self.programs)

    def session(self, setup):
        return servers.Session(setup, self.workspace, self.programs, self.build)

    def measure(self, name, setup, callers, means):
        """Measures {means: (server, program)} in turns and keeps the figures as one case."""
        totals = {mean: servers.Samples() for mean in means}
        runs = max(self.runs, callers)
        for turn in range(self.turns + 1):
            for mean, (server, program) in means.items():
                samples = server.measure(runs, callers, program)
                if turn > 0:  # the first turn warms caches up
                    totals[mean].add(samples)
        self.cases.append({
            "name": name, "callers": callers, "cpus": setup.cpus, "extra_mounts": setup.mounts,
            "means": {mean: total.figures() for mean, total in totals.items()}})
        print(report.progress(self.cases[-1]), file=sys.stderr)

    def whole_machine(self):
        """Everything that is measured without further conditions, in one session."""
        setup = servers.Setup(cpus=2)
        with self.native(setup) as native, self.session(setup) as session, \
                servers.Host(setup, self.programs) as host:
            bwrap, script = servers.bwrap(self.workspace), servers.script(self.programs)
            self.measure("true", setup, 1, {
                "native": (native, TRUE), "intercepted": (session, TRUE),
                "bwrap": (host, bwrap + TRUE), "script": (host, script + TRUE)})
            for callers in (8, 64):
                self.measure("true", setup, callers, {
                    "native": (native, TRUE), "intercepted": (session, TRUE),
                    "bwrap": (host, bwrap + TRUE)})
            leaf = [f"{self.programs}/leaf-static", "0"]
            self.measure("static program", setup, 1, {
                "native": (native, leaf), "intercepted": (session, leaf)})
            self.measure("missing program", setup, 1, {
                "native": (native, MISSING), "intercepted": (session, MISSING)})
            self.memory = session.memory()
        with servers.Host(setup, self.programs, "relay_bench") as host:
            self.measure("relay alone", setup, 1, {
                "native": (host, [f"{self.build}/libexec/agent-relay"])})

    def one_cpu(self):
        setup = servers.Setup(cpus=1)
        with self.native(setup) as native, self.session(setup) as session:
            self.measure("true", setup, 1, {
                "native": (native, TRUE), "intercepted": (session, TRUE)})

    def many_mounts(self, mounts):
        setup = servers.Setup(cpus=2, mounts=mounts)
        with self.native(setup) as native, self.session(setup) as session, \
                servers.Host(setup, self.programs) as host:
            self.measure("true", setup, 1, {
                "native": (native, TRUE), "intercepted": (session, TRUE),
                "bwrap": (host, servers.bwrap(self.workspace) + TRUE)})

    def run(self):
        self.whole_machine()
        self.one_cpu()
        for mounts in (10, 200):
            self.many_mounts(mounts)


def main():
    options = parse_arguments()
    if os.geteuid() != 0:
        sys.exit("bench: needs root, as sessions of engine local do")
    # The workspace on the machine's disk; programs where a session shows a --cli-dir.
    folders = [tempfile.mkdtemp(prefix="bench-", dir=parent) for parent in ("/var/tmp", "/tmp")]
    for folder in folders:
        os.chmod(folder, 0o755)
    try:
        bench = Bench(options, *folders)
        bench.run()
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    result = {
        "version": 1, "quick": options.quick, **machine.described(),
        "cases": bench.cases, "memory_kb": bench.memory,
    }
    with open(f"{HERE}/targets.json") as file:
        result["targets"] = report.judge(json.load(file)["targets"], result)
    text = json.dumps(result, indent=1)
    if options.json == "-":
        print(text)
    else:
        print(report.table(result))
        if options.json:
            with open(options.json, "w") as file:
                file.write(text + "\n")
    if options.plot:
        with open(options.plot, "w") as file:
            file.write(plot.svg(result["cases"][0], result["machine"]))
    if options.check:
        print(report.verdicts(result["targets"]))
        return 0 if all(target["met"] for target in result["targets"]) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
