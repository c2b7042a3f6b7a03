#!/usr/bin/python3
"""Runs a test of tests/exec_path whose sessions are in containers. Usage: with_engine.py SCRIPT"""

import os
import subprocess
import sys

from engine import Engine

IMAGE = "agent:tools"
# What the tests call.
PACKAGES = "bsdextrautils bubblewrap file htop less lsof make nodejs perl python3 tmux util-linux vim"

with Engine() as engine:
    engine.image(IMAGE, PACKAGES)
    environment = {**os.environ, **engine.environment, "TEST_ENGINE": "docker", "TEST_IMAGE": IMAGE}
    sys.exit(subprocess.run([sys.executable, sys.argv[1]], env=environment, check=False).returncode)
