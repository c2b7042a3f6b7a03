#!/usr/bin/python3
"""The whole Dockerfile: compiles our programs in it, fetches pinned CLIs, and they work in sessions."""

import os
import platform
import subprocess
import sys

from engine import BRIDGE, BUILD, IMAGE, TOP, Engine, check, finish, skip

if "SOAK" not in os.environ:
    skip("compiles everything in a container; scripts/test --soak runs it")

# What the scenario of tests/clients calls.
PACKAGES = "gcc libc6-dev make python3"
WITH_COPILOT = "agent:copilot"


def pinned(cli):
    """Its npm package, with its version, and its checksum."""
    rows = [line.split("\t") for line in (TOP / "tests/clients/peers.lock").read_text().splitlines()]
    return next(row[2:4] for row in rows if row[:2] == [cli, platform.machine()])


def arguments(cli, integrity):
    # Whoever stands between this machine and the registry is trusted by it.
    words = ["--network", "host", "--secret", "id=ca,src=/etc/ssl/certs/ca-certificates.crt"]
    for value in (f"AGENT={cli}", f"CLI_PACKAGE={pinned(cli)[0]}", f"CLI_INTEGRITY={integrity}"):
        words += ["--build-arg", value]
    return words


def codex(engine):
    package, integrity = pinned("codex")
    wrong = engine.docker("build", *arguments("codex", "sha512-x"), "--target", "vendor", TOP)
    check("a package with another checksum is refused, and its own is said",
          wrong.returncode != 0 and f"CLI_INTEGRITY of {package} is {integrity}" in wrong.stderr,
          wrong.stderr[-2000:])
    engine.must("build", *arguments("codex", integrity), "-t", IMAGE, TOP)
    space = engine.workspace()
    done = engine.session(space, "id -un; exit 3")
    check("a session starts from it", (done.returncode, done.stdout) == (3, "agentuser\n"), done)
    version = engine.run(engine.line(space, "--version", options=["--agent", "codex"]))
    check("the CLI is found in it", version.returncode == 0 and version.stdout.startswith("codex"), version)
    other = engine.run(engine.line(space, "--version", options=["--agent", "claude"]))
    check("one that is not in it is named, and where it was looked for", other.returncode == 125 and
          "find the CLI of --agent claude below '/opt/coding-agents/claude'" in other.stderr and
          other.stderr.count("\n") == 1, other)


def copilot(engine):
    """Its code is unpacked when the image is built; it does the work that tests/clients ask of all."""
    engine.must("build", *arguments("copilot", pinned("copilot")[1]), "--build-arg", f"PACKAGES={PACKAGES}", "-t",
                WITH_COPILOT, TOP)
    listed = engine.docker("run", "--rm", "--network", "none", "--entrypoint", "/usr/bin/find", WITH_COPILOT,
                           "/opt/coding-agents/copilot", "!", "-user", "0", "-o", "-perm", "/022", "!", "-type", "l")
    check("all of it is root's alone to write", (listed.returncode, listed.stdout) == (0, ""), listed)
    engine.bridge()
    done = subprocess.run([sys.executable, TOP / "tests/clients/clients_test.py", "copilot", TOP, BUILD],
                          env={**os.environ, **engine.environment, "TEST_ENGINE": "docker", "TEST_BRIDGE": BRIDGE,
                               "TEST_IMAGE": WITH_COPILOT, "TEST_CLI": "of the image"},
                          text=True, capture_output=True, check=False)
    check("it works from there as natively", done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:])
    print(done.stdout)


with Engine() as ours:
    ours.base()
    for test in (codex, copilot):
        test(ours)
finish()
