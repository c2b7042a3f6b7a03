#!/usr/bin/python3
"""run-agent --engine podman as root: the same sessions, by another engine."""

import os

from engine import skip
from podman import PODMAN, Podman, run_tests

for program in (PODMAN, "/usr/sbin/runc"):
    if not os.path.exists(program):
        skip(f"{program} is not here: scripts/setup test")
run_tests(Podman)
