#!/usr/bin/python3
"""docs/dependencies.md lists just the libraries of the build, and each is linked and used.

Usage: dependencies_test.py ROOT BUILD
"""

import json
import pathlib
import re
import subprocess
import sys

ROW = re.compile(r"^\| (\w[\w-]*) \| ([\w.+-]+) \| .* \| `([^`]+)`: `([^`]+)` \|$", re.M)


def output(*command):
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout


def has_code(program, symbol):
    """Whether the program itself holds a function or object of this name, not only a call to it."""
    names = output("nm", "-C", "--defined-only", str(program))
    return re.search(rf"^[0-9a-f]+ [A-Za-z] .*{re.escape(symbol)}", names, re.M) is not None


def main():
    root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    rows = ROW.findall((root / "docs/dependencies.md").read_text())
    wrong = []
    built = json.loads(output("meson", "introspect", "--dependencies", str(build)))
    built, listed = {entry["name"] for entry in built}, {row[0] for row in rows}
    if built != listed:
        wrong.append(f"built with {sorted(built - listed)} unlisted, {sorted(listed - built)} unused")
    packages = (root / "scripts/setup").read_text()
    for library, package, program, symbol in rows:
        if not has_code(build / program, symbol):
            wrong.append(f"{library}: {program} has no {symbol}")
        if package != "libc6-dev" and not re.search(rf"^{re.escape(package)} ", packages, re.M):
            wrong.append(f"{library}: scripts/setup does not install {package}")
    relay = build / "runner/agent-relay"
    if "NEEDED" in output("readelf", "-d", str(relay)) or relay.stat().st_size > 8192:
        wrong.append("agent-relay is linked with something")
    print(f"{len(rows)} libraries")
    print("\n".join(wrong))
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
