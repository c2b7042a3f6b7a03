#!/usr/bin/python3
"""Runs a test of another folder whose sessions are in containers.

usage: with_engine.py [--bridge] SCRIPT [ARGUMENT]...

The test finds TEST_ENGINE and TEST_IMAGE in its environment. --bridge: the containers have Docker's
default network; they reach the test by the address in TEST_BRIDGE.
"""

import os
import subprocess
import sys

from engine import BRIDGE, Engine

IMAGE = "agent:tools"
# What the tests call.
PACKAGES = "bsdextrautils bubblewrap file gcc htop less libc6-dev lsof make nodejs perl python3 tmux util-linux vim"

words = sys.argv[1:]
with Engine() as engine:
    engine.image(IMAGE, PACKAGES)
    environment = {**os.environ, **engine.environment, "TEST_ENGINE": "docker", "TEST_IMAGE": IMAGE}
    if words[0] == "--bridge":
        words.pop(0)
        engine.bridge()
        environment["TEST_BRIDGE"] = BRIDGE
    sys.exit(subprocess.run([sys.executable, *words], env=environment, check=False).returncode)
