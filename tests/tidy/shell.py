#!/usr/bin/python3
"""shellcheck has nothing to say, and every script stops at its first error."""

import re
import subprocess

import sources


def main():
    top = sources.root()
    complaints = []
    paths = sources.shell_files(top)
    run = subprocess.run(["shellcheck", "-x", "-f", "gcc", "-P", str(top), *map(str, paths)], text=True,
                         capture_output=True, check=False, cwd=top)
    complaints += run.stdout.splitlines() + run.stderr.splitlines()
    for path in paths:
        if re.match("#!.*bash", sources.first_line(path)) and "set -euo pipefail" not in path.read_text():
            complaints.append(f"{path.relative_to(top)}: no `set -euo pipefail`")
    sources.report(complaints)


main()
