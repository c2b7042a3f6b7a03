#!/usr/bin/python3
"""clang-tidy 14 with the list of .clang-tidy, each finding an error. Usage: clang_tidy.py ROOT BUILD

A file whose text, includes, flags and .clang-tidy are those of its last good run is not read again.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import sources

# The compile commands are g++'s.
CLANG_FLAGS = ["-Wno-unknown-warning-option",
               "-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang"]


def closure(top, name, seen):
    """The file and all it includes by quotes."""
    if name not in seen and (top / name).is_file():
        seen.add(name)
        for included in re.findall(r'^\s*#\s*include\s+"([^"]+)"', (top / name).read_text(), re.M):
            closure(top, included, seen)
    return seen


def fingerprint(top, name, command):
    """Changes when a run of clang-tidy on this file could say something else."""
    digest = hashlib.sha256(command.encode() + (top / ".clang-tidy").read_bytes())
    for part in sorted(closure(top, name, set())):
        digest.update(part.encode() + (top / part).read_bytes())
    return digest.hexdigest()


def check(top, build, name, stamp):
    """What clang-tidy says about one file; a stamp file is left when that is nothing."""
    if stamp.exists():
        return []
    run = subprocess.run(["clang-tidy-14", "--quiet", "-p", str(build),
                          *(f"--extra-arg={flag}" for flag in CLANG_FLAGS), str(top / name)],
                         text=True, capture_output=True, check=False)
    findings = [re.sub(rf"^\S*{re.escape(str(top))[1:]}/", "", line) for line in run.stdout.splitlines()
                if re.search(r"(: |^)(error|warning): ", line)]
    if run.returncode != 0 and not findings:
        findings = [f"{name}: {run.stderr.strip()}"]
    if not findings:
        stamp.touch()
    return findings


def main():
    top, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    cache = build / "clang-tidy-good"
    cache.mkdir(exist_ok=True)
    jobs = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(top) and path.suffix == ".cc":
            name = path.relative_to(top).as_posix()
            if name.split("/")[0] in sources.LAYERS:
                jobs[name] = cache / fingerprint(top, name, entry["command"])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(check, top, build, *job) for job in sorted(jobs.items())]
        found = set()
        for run in concurrent.futures.as_completed(runs):
            for line in sorted(set(run.result()) - found):
                print(line, flush=True)  # at once: a time-out shall not hide it
            found.update(run.result())
    print(f"{len(jobs)} files")
    sys.exit(1 if found else 0)


main()
