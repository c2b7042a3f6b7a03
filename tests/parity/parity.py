#!/usr/bin/python3
"""Runs every row of cases.tsv natively, as the vendor CLI and as a command, and compares.

usage: parity.py [--programs DIR] [--build-dir DIR] [--legs LEG,LEG] [--only GLOB]
                 [--jobs N] [--keep]

Standard output, standard error, wait status, and the files below the row's folder (bytes, mode,
owner as the host sees them) must be equal. What may differ is in docs/fidelity.md, and a row that
relies on it names the key; a listed difference that does not occur fails as well, so that the list
stays true. Prints one TAP line per row and leg, and a count.

Exit status: 0 all as expected, 1 not, 77 cannot run here (the reason is printed).
"""

import argparse
import fnmatch
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile

import legs
import table

ROOT = os.path.dirname(os.path.dirname(table.HERE))
OWNER = 1000  # of the workspace on the host
COMPILED = ("spawn", "spawn-static", "spawn-static-pie", "nolibc", "leaf-static", "leaf-static-pie")


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(77)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build-dir", default=f"{ROOT}/build")
    parser.add_argument("--programs", help="folder of the compiled programs")
    parser.add_argument("--legs", default=",".join(table.LEGS),
                        help="of cli, command, isolated; native compares native runs")
    parser.add_argument("--only", default="*", help="rows whose id matches this glob")
    parser.add_argument("--jobs", type=int, default=2, help="sessions at the same time")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    return parser.parse_args()


def gather_programs(compiled, programs):
    """One folder with everything rows start: scripts, compiled programs and the row runner."""
    shutil.copytree(f"{table.HERE}/programs", programs, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("*.cc"))
    shutil.copy2(f"{table.HERE}/row_runner.py", programs)
    for name in COMPILED:
        shutil.copy2(f"{compiled}/{name}", programs)


def make_workspace(rows, path):
    """The rows' folders with what their fixtures make, owned by OWNER."""
    os.makedirs(path)
    os.chown(path, OWNER, OWNER)
    script = [". " + f"{table.HERE}/fixtures.sh"]
    for row in rows:
        script.append(f"cd '{path}' && mkdir '{row.id}' && cd '{row.id}'")
        script.extend(row.fixtures)
    subprocess.run(["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups",
                    "bash", "-euc", "\n".join(script)], check=True, cwd="/")


def describe_file(path, compares_bytes):
    """Everything about one file that must be equal."""
    info = os.lstat(path)
    text = f"{stat.filemode(info.st_mode)} {info.st_uid}:{info.st_gid}"
    if stat.S_ISLNK(info.st_mode):
        return f"{text} -> {os.readlink(path)}"
    if stat.S_ISREG(info.st_mode) and compares_bytes:
        with open(path, "rb") as file:
            return f"{text} {info.st_size} {hashlib.sha256(file.read()).hexdigest()[:16]}"
    return text


def describe_folder(folder, normaliser):
    files = {}
    for parent, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.relpath(os.path.join(parent, name), folder)
            files[path] = describe_file(os.path.join(folder, path),
                                        normaliser.compares_bytes(path))
    return files


def as_exit_status(status):
    """What a wait status becomes when a shell, or run-agent, passes it on: 128 + signal."""
    words = status.rstrip(",").replace(",", "").split()
    return f"exited {128 + int(words[2])}" if words[0] == "killed" else status


def observations(results, workspace, row, normaliser):
    """The four aspects of one run, normalised."""
    result = results[row.id]
    return {
        "stdout": normaliser.text(result["stdout"]),
        "stderr": normaliser.text(result["stderr"]),
        "status": result["status"],
        "files": describe_folder(f"{workspace}/{row.id}", normaliser),
    }


def explain(aspect, native, other):
    """Lines that show one difference."""
    if aspect == "files":
        for path in sorted(set(native) | set(other)):
            if native.get(path) != other.get(path):
                yield f"files: {path}: {native.get(path)} | {other.get(path)}"
        return
    yield f"{aspect}: native: {native[:1500]!r}"
    yield f"{aspect}: here:   {other[:1500]!r}"


class Judge:
    """Compares runs with the native ones and prints TAP."""

    def __init__(self, allowed):
        self.allowed = allowed
        self.number = self.equal = self.listed = self.wrong = 0

    def row(self, row, leg, native, other):
        """Prints the verdict on one row in one leg."""
        self.number += 1
        if leg == "cli":  # run-agent can only exit
            native = dict(native, status=as_exit_status(native["status"]))
        differing = [aspect for aspect in native if native[aspect] != other[aspect]]
        keys = row.differences.get(leg, [])
        may_differ = set().union(*[self.allowed.get(key, set()) for key in keys])
        problems = [line for aspect in differing if aspect not in may_differ
                    for line in explain(aspect, native[aspect], other[aspect])]
        if keys and not differing:
            problems.append(f"the listed difference {' '.join(keys)} does not occur")
        verdict = "not ok" if problems else "ok"
        remark = f" # differs as listed: {' '.join(keys)}" if keys and not problems else ""
        print(f"{verdict} {self.number} {row.kind}: {row.id} ({leg}){remark}", flush=True)
        for line in problems:
            print(f"#   {line}")
        if problems:
            self.wrong += 1
        elif differing:
            self.listed += 1
        else:
            self.equal += 1


def check_keys(rows, allowed):
    """Keys used by rows and listed in docs/fidelity.md must be the same set."""
    used = {key for row in rows for keys in row.differences.values() for key in keys}
    for key in sorted(used - set(allowed)):
        raise SystemExit(f"cases.tsv uses the difference {key}, which docs/fidelity.md lacks")
    return sorted(set(allowed) - used)


def compare_all(options, scratch, programs):
    gather_programs(options.programs or f"{options.build_dir}/tests/parity", programs)
    everything = table.read_rows(programs)
    allowed = table.read_fidelity(f"{ROOT}/docs/fidelity.md")
    unused = check_keys(everything, allowed)
    rows = [row for row in everything if fnmatch.fnmatch(row.id, options.only)]
    normaliser = table.Normaliser()
    make_workspace(rows, f"{scratch}/fresh")
    launcher = [f"{ROOT}/scripts/launchers/run-agent", "--engine", "local", "--agent", "custom",
                "--build-dir", options.build_dir]
    if "TEST_ENGINE_TRAP" in os.environ:
        launcher += ["--engine-trap", os.environ["TEST_ENGINE_TRAP"]]
    kinds = {leg.name: leg for leg in (legs.Native, legs.Cli, legs.Command, legs.Isolated)}
    seen = {}
    judge = Judge(allowed)
    for name in ["native", *options.legs.split(",")]:
        workspace = f"{scratch}/{name}-{len(seen)}/workspace"
        os.makedirs(os.path.dirname(workspace))
        subprocess.run(["cp", "-a", f"{scratch}/fresh", workspace], check=True)
        results = kinds[name](programs, workspace, launcher, options.jobs).run(rows)
        seen[name] = {row.id: observations(results, workspace, row, normaliser)
                      for row in rows}
        if workspace.endswith("native-0/workspace"):
            reference = seen[name]
            continue
        for row in rows:
            judge.row(row, name, reference[row.id], seen[name][row.id])
    for key in unused:
        judge.wrong += 1
        print(f"# docs/fidelity.md lists {key}, which no row shows")
    print(f"1..{judge.number}")
    print(f"# {len(rows)} rows: {judge.equal} equal, {judge.listed} differ as listed, "
          f"{judge.wrong} wrong")
    return 1 if judge.wrong else 0


def main():
    options = parse_arguments()
    if os.geteuid() != 0:
        skip("needs root: it makes namespaces and files of other users")
    if options.legs != "native" and not os.path.exists(f"{options.build_dir}/init/agent-init"):
        skip(f"no agent-init in {options.build_dir}")
    # Workspaces on the machine's disk; programs where a session shows a --cli-dir.
    folders = [tempfile.mkdtemp(prefix="parity-", dir=parent) for parent in ("/var/tmp", "/tmp")]
    for folder in folders:
        os.chmod(folder, 0o755)
    try:
        return compare_all(options, *folders)
    finally:
        if options.keep:
            print(f"# kept: {' '.join(folders)}")
        else:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
