#!/usr/bin/python3
"""clang-format 14 has nothing to change."""

import re
import subprocess

import sources


def main():
    top = sources.root()
    paths = sources.cpp_files(top)
    run = subprocess.run(["clang-format-14", "--dry-run", *map(str, paths)], text=True,
                         capture_output=True, check=False) if paths else None
    complaints = re.findall(r"^(.*?:\d+):\d+: .*code should be clang-formatted",
                            run.stderr, re.M) if run else []
    if run and run.returncode != 0:
        complaints.append(run.stderr.strip())
    sources.report([f"{line}: clang-format-14 writes it differently" for line in complaints])


main()
