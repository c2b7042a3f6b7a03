"""What was measured, and on what."""

import os
import platform
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def cpu_model():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def commit():
    done = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "rev-parse",
                           "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def described():
    return {"commit": commit(), "machine": {"kernel": platform.release(), "cpus": os.cpu_count(),
                                            "model": cpu_model()}}
