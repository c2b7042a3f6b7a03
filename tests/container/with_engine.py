#!/usr/bin/python3
"""Runs a test of another folder whose sessions are in containers.

usage: with_engine.py [--client NAME] SCRIPT [ARGUMENT]...

The test finds TEST_ENGINE and TEST_IMAGE in its environment. --client: a test of tests/clients with
that CLI. The containers have Docker's default network and reach the test by the address in
TEST_BRIDGE; since nothing else can be reached from there, the CLI is fetched before.
"""

import os
import pathlib
import subprocess
import sys

from engine import BRIDGE, Engine

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "clients"))
from legs import fetch  # noqa: E402

IMAGE = "agent:tools"
# What the tests call.
PACKAGES = "bsdextrautils bubblewrap file gcc htop less libc6-dev lsof make nodejs perl python3 tmux util-linux vim"

words = sys.argv[1:]
client = None
if words[0] == "--client":
    client = words[1]
    del words[:2]
    fetch(client)
with Engine() as engine:
    engine.image(IMAGE, PACKAGES)
    environment = {**os.environ, **engine.environment, "TEST_ENGINE": "docker", "TEST_IMAGE": IMAGE}
    if client:
        engine.bridge()
        environment["TEST_BRIDGE"] = BRIDGE
    sys.exit(subprocess.run([sys.executable, *words], env=environment, check=False).returncode)
