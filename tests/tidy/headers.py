#!/usr/bin/python3
"""Each header says its purpose in its first line, is included once, and compiles alone."""

import concurrent.futures
import os
import subprocess

import sources

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE",
         '-DAGENT_VERSION="0"', "-x", "c++"]


def compile_alone(top, name):
    """The compiler's first complaint about a file that includes only this header, or None."""
    run = subprocess.run(["g++", *FLAGS, f"-I{top}", "-"], input=f'#include "{name}"\n', text=True,
                         capture_output=True, check=False, cwd=top)
    errors = [line for line in run.stderr.splitlines() if "error" in line]
    return None if run.returncode == 0 else f"{name} alone: {errors[0]}"


def main():
    top = sources.root()
    complaints, names = [], []
    for path in sources.cpp_files(top):
        if path.suffix != ".h":
            continue
        name, lines = path.relative_to(top).as_posix(), path.read_text().splitlines()
        names.append(name)
        if not lines or not lines[0].startswith("// "):
            complaints.append(f"{name}:1: the first line is not a comment that says the purpose")
        if "#pragma once" not in lines:
            complaints.append(f"{name}: no #pragma once")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints += filter(None, pool.map(lambda name: compile_alone(top, name), names))
    sources.report(complaints)


main()
