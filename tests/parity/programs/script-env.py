#!/usr/bin/env python3
"""The program of a row is itself a script whose interpreter is found on PATH."""

import subprocess
import sys

print(sys.argv[1:])
sys.exit(subprocess.run(["sh", "-c", "exit 6"]).returncode)
