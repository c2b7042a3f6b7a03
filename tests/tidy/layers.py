#!/usr/bin/python3
"""Includes point only up the list of layers, name files from the root, and have no cycles."""

import re
import subprocess

import sources


def includes(path):
    """The quoted includes of a file, with their line numbers."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if found:
            yield number, found.group(1)


def main():
    top = sources.root()
    complaints, edges = [], []
    for path in sources.cpp_files(top):
        name = path.relative_to(top).as_posix()
        layer = name.split("/")[0]
        for number, included in includes(path):
            target = included.split("/")[0]
            allowed = sources.LAYERS.get(layer, {*sources.LAYERS, "tests"})
            if not (top / included).is_file():
                complaints.append(f'{name}:{number}: "{included}" is not a file named from the root')
            elif target not in allowed:
                complaints.append(f"{name}:{number}: {layer}/ may not include {target}/")
            edges.append(f"{name} {included}")
    sort = subprocess.run(["tsort"], input="\n".join(edges), text=True, capture_output=True,
                          check=False)
    if sort.returncode != 0:
        complaints.append(f"include cycle: {' '.join(sort.stderr.split())}")
    sources.report(complaints)


main()
