#!/usr/bin/env python3
"""The pages of docs/usage are true: each console block prints what stands in it.

usage: usage_test.py SOURCE_ROOT BUILD_ROOT. Exit 77: cannot run here, with the reason.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

PERSON = 1234
MARK = "---next-command---"


def console_blocks(page):
    """[(command, expected output), ...] for each block; `> ` continues a command."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        steps = []
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append([line[2:], ""])
            elif line.startswith("> "):
                steps[-1][0] += "\n" + line[2:]
            else:
                steps[-1][1] += line + "\n"
        yield [tuple(step) for step in steps]


def fits(expected, printed):
    """Whether the text is the expected one, where `…` stands for anything within a line."""
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, printed) is not None


def run_block(steps, top, programs, source, build):
    """What each command of a block prints, run one after the other by one shell."""
    workspace = pathlib.Path(tempfile.mkdtemp(dir=top))
    (workspace / "file").write_text("a file\n")
    for path in (workspace, workspace / "file"):
        os.chown(path, PERSON, PERSON)
    script = "".join(f"{command}\nmark\n" for command, _ in steps)
    # The pages say run-agent; the programs are those of this build.
    lines = [f'run-agent() {{ "{source}/scripts/launchers/run-agent" --build-dir "{build}" "$@"; }}',
             f'agent-init() {{ "{build}/init/agent-init" "$@"; }}',
             f'mark() {{ local status=$?; echo {MARK}; return $status; }}', script]
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(top), "LANG": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", "\n".join(lines)], cwd=workspace, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    return done.stdout.split(MARK + "\n")


def name_the_person(programs):
    """`stat -c %U` says `you` for the workspace's owner, who has no name on this machine."""
    stat = programs / "stat"
    stat.write_text('#!/bin/sh\n/usr/bin/stat "$@" | sed "s/^UNKNOWN /you /"\n')
    stat.chmod(0o755)


def main():
    source, build = map(pathlib.Path, sys.argv[1:3])
    if os.geteuid() != 0:
        print("skipped: needs root")
        return 77
    commands = failures = 0
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        top = pathlib.Path(name)
        top.chmod(0o755)
        programs = top / "bin"
        programs.mkdir()
        name_the_person(programs)
        for page in sorted((source / "docs/usage").glob("*.md")):
            for steps in console_blocks(page):
                outputs = run_block(steps, top, programs, source, build)
                for (command, expected), printed in zip(steps, outputs, strict=False):
                    commands += 1
                    if not fits(expected, printed):
                        failures += 1
                        print(f"FAILED: {page.name}: $ {command}\n--- the page says\n{expected}"
                              f"--- printed\n{printed}")
    print(f"{commands} commands, {failures} print something else")
    return 1 if failures or not commands else 0


if __name__ == "__main__":
    sys.exit(main())
