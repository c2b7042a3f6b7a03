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
import shutil
import subprocess
import sys
import time

import batches
import sources

WORK = "clang-tidy-batches"
# The compile commands are g++'s.
CLANG_FLAGS = ["-Werror", "-Wno-unknown-warning-option", "-Wno-unused-command-line-argument",
               "-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang"]

# The two that follow calls, and what the compiler says: with more functions in sight these take longer and
# see what is none. tests/.clang-tidy has neither of the two.
ALL_PATHS = "-*,clang-analyzer-*,misc-no-recursion"
EACH_LINE = "-clang-analyzer-*,-misc-no-recursion"


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
    return pathlib.Path(__file__).read_bytes() + pathlib.Path(batches.__file__).read_bytes() + packages


def fingerprint(top, name, command):
    """Changes when a run of clang-tidy on this file could say something else."""
    digest = hashlib.sha256(command)
    settings = [(folder / ".clang-tidy").as_posix() for folder in pathlib.PurePath(name).parents
                if (top / folder / ".clang-tidy").exists()]
    for part in settings + sorted(closure(top, name, set())):
        digest.update(part.encode() + (top / part).read_bytes())
    return digest.hexdigest()


def words_of(arguments, path):
    """What clang-tidy prints about one text and the headers it includes: lines of findings, or why it
    could not."""
    run = subprocess.run(["clang-tidy-14", "--quiet", *arguments], text=True, capture_output=True, check=False)
    found = [line for line in run.stdout.splitlines() if re.search(r"(: |^)(error|warning): ", line)]
    return found or ([f"{path}: {run.stderr.strip()}"] if run.returncode != 0 else [])


def alone(top, build, name, checks=""):
    """What clang-tidy says about one source: pairs of the source and a line."""
    extra = [f"--extra-arg={flag}" for flag in CLANG_FLAGS]
    return [(name, re.sub(rf"^\S*{re.escape(str(top))[1:]}/", "", line))
            for line in words_of(["-p", str(build), f"--checks={checks}", *extra, str(top / name)], name)]


def together(top, build, batch):
    """The same about the sources of a batch, read as one text."""
    name = batch.files[0][0]
    path = build / WORK / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(batch.text())
    quiet = [] if batch.of_tests else ["-w"]
    for line in words_of([f"--checks={EACH_LINE}", str(path), "--", *CLANG_FLAGS, *quiet, *batch.arguments,
                          f"-I{top}", f"-I{build}"], name):
        if place := re.match(rf"{re.escape(str(path))}:(\d+)(.*)", line):
            source, number = batch.source(int(place.group(1)))
            yield source, f"{source}:{number}{place.group(2)}"
        else:  # in a header: which source brought it is not known, so none of them is good
            text = re.sub(rf"^\S*{re.escape(str(top))[1:]}/", "", line)
            yield from ((source, text) for source, _ in batch.files)


def check(top, build, batch, stamps):
    """What clang-tidy says about the sources of a batch; one without a finding gets its stamp file."""
    started = time.monotonic()
    names = [name for name, _ in batch.files]
    found = list(together(top, build, batch))
    if any("[clang-diagnostic-error" in text for _, text in found):
        found = [finding for name in names for finding in alone(top, build, name)]
    elif not batch.of_tests:
        found += [finding for name in names for finding in alone(top, build, name, ALL_PATHS)]
    for name in set(names) - {source for source, _ in found}:
        stamps[name].touch()
    print(f"{time.monotonic() - started:5.1f} s  {' '.join(names)}", file=sys.stderr, flush=True)
    return {text for _, text in found}


def main():
    top, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    cache = build / "clang-tidy-good"
    cache.mkdir(exist_ok=True)
    for folder in ("", "tests"):
        (build / WORK / folder).mkdir(exist_ok=True)
        shutil.copy(top / folder / ".clang-tidy", build / WORK / folder)
    fixed = surroundings()
    stamps, commands = {}, {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(top) and path.suffix == ".cc":
            name = path.relative_to(top).as_posix()
            if name.split("/")[0] in (*sources.LAYERS, "tests"):
                stamps[name] = cache / fingerprint(top, name, fixed + entry["command"].encode())
                commands[name] = entry["command"]
    for stamp in set(cache.iterdir()) - set(stamps.values()):
        stamp.unlink()
    changed = [name for name, stamp in sorted(stamps.items()) if not stamp.exists()]
    print(f"{len(changed)} of {len(stamps)} files to read", file=sys.stderr, flush=True)
    found = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(check, top, build, batch, stamps)
                for batch in batches.batches(top, [(name, commands[name]) for name in changed])]
        for run in concurrent.futures.as_completed(runs):
            for line in sorted(run.result() - found):
                print(line, flush=True)  # at once: a time-out shall not hide it
            found.update(run.result())
    for line in sorted(found):
        print(line, file=sys.stderr)  # and once more where the end of a long log is looked at
    print(f"{len(stamps)} files")
    sys.exit(1 if found else 0)


main()
