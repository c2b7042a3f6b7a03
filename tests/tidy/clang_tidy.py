#!/usr/bin/python3
"""clang-tidy 14 with the list of .clang-tidy, each finding an error. Usage: clang_tidy.py ROOT BUILD

A file whose text, includes, flags, .clang-tidy and installed packages are those of its last good run
is not read again. Findings go to stdout, progress to stderr.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import sources

# The compile commands are g++'s.
CLANG_FLAGS = ["-Werror", "-Wno-unknown-warning-option", "-Wno-unused-command-line-argument",
               "-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang"]


def closure(top, name, seen):
    """The file and all it includes by quotes."""
    if name not in seen and (top / name).is_file():
        seen.add(name)
        for included in re.findall(r'^\s*#\s*include\s+"([^"]+)"', (top / name).read_text(), re.M):
            closure(top, included, seen)
    return seen


def surroundings():
    """What each run depends on: this program, clang-tidy itself and the headers of packages."""
    packages = subprocess.run(["dpkg-query", "--show"], capture_output=True, check=True).stdout
    return pathlib.Path(__file__).read_bytes() + packages


def fingerprint(top, name, command):
    """Changes when a run of clang-tidy on this file could say something else."""
    digest = hashlib.sha256(command)
    settings = [(folder / ".clang-tidy").as_posix() for folder in pathlib.PurePath(name).parents
                if (top / folder / ".clang-tidy").exists()]
    for part in settings + sorted(closure(top, name, set())):
        digest.update(part.encode() + (top / part).read_bytes())
    return digest.hexdigest()


def check(top, build, name, stamp):
    """What clang-tidy says about one file; a stamp file is left when that is nothing."""
    started = time.monotonic()
    run = subprocess.run(["clang-tidy-14", "--quiet", "-p", str(build),
                          *(f"--extra-arg={flag}" for flag in CLANG_FLAGS), str(top / name)],
                         text=True, capture_output=True, check=False)
    findings = [re.sub(rf"^\S*{re.escape(str(top))[1:]}/", "", line) for line in run.stdout.splitlines()
                if re.search(r"(: |^)(error|warning): ", line)]
    if run.returncode != 0 and not findings:
        findings = [f"{name}: {run.stderr.strip()}"]
    if not findings:
        stamp.touch()
    print(f"{name}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
    return findings


def main():
    top, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    cache = build / "clang-tidy-good"
    cache.mkdir(exist_ok=True)
    fixed = surroundings()
    jobs = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(top) and path.suffix == ".cc":
            name = path.relative_to(top).as_posix()
            if name.split("/")[0] in (*sources.LAYERS, "tests"):
                jobs[name] = cache / fingerprint(top, name, fixed + entry["command"].encode())
    for stamp in set(cache.iterdir()) - set(jobs.values()):
        stamp.unlink()
    changed = [(name, stamp) for name, stamp in sorted(jobs.items()) if not stamp.exists()]
    print(f"{len(changed)} of {len(jobs)} files to read", file=sys.stderr, flush=True)
    found = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(check, top, build, *job) for job in changed]
        for run in concurrent.futures.as_completed(runs):
            for line in sorted(set(run.result()) - found):
                print(line, flush=True)  # at once: a time-out shall not hide it
            found.update(run.result())
    for line in sorted(found):
        print(line, file=sys.stderr)  # and once more where the end of a long log is looked at
    print(f"{len(jobs)} files")
    sys.exit(1 if found else 0)


main()
