#!/usr/bin/python3
"""Prints the files that ninja must build for the tests of one suite. Usage: suite_targets.py BUILD SUITE"""

import json
import os
import subprocess
import sys


def introspect(build, what):
    run = subprocess.run(["meson", "introspect", f"--{what}", build], text=True, capture_output=True,
                         check=True)
    return json.loads(run.stdout)


def main():
    build, suite = sys.argv[1:]
    needed = {target for test in introspect(build, "tests") for target in test["depends"]
              if any(name.split(":")[-1] == suite for name in test["suite"])}
    for target in introspect(build, "targets"):
        if target["id"] in needed:
            for file in target["filename"]:
                print(os.path.relpath(file, build))


main()
