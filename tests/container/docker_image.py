#!/usr/bin/python3
"""The whole Dockerfile: compiles our programs in it, fetches a pinned CLI, and a session starts."""

import os
import platform

from engine import IMAGE, TOP, Engine, check, finish, skip

if "SOAK" not in os.environ:
    skip("compiles everything in a container; scripts/test --soak runs it")

with Engine() as engine:
    engine.base()
    rows = [line.split("\t") for line in (TOP / "tests/clients/peers.lock").read_text().splitlines()
            if line.startswith("codex\t")]
    package, integrity = next(row[2:4] for row in rows if row[1] == platform.machine())
    # Whoever stands between this machine and the registry is trusted by it.
    arguments = ["--secret", "id=ca,src=/etc/ssl/certs/ca-certificates.crt", "--build-arg", "AGENT=codex", "--build-arg",
                 f"CLI_PACKAGE={package}"]
    wrong = engine.docker("build", "--network", "host", *arguments, "--build-arg", "CLI_INTEGRITY=sha512-x",
                          "--target", "vendor", TOP)
    check("a package with another checksum is refused, and its own is said",
          wrong.returncode != 0 and f"CLI_INTEGRITY of {package} is {integrity}" in wrong.stderr,
          wrong.stderr[-2000:])
    engine.must("build", "--network", "host", *arguments, "--build-arg", f"CLI_INTEGRITY={integrity}",
                "-t", IMAGE, TOP)
    space = engine.workspace()
    done = engine.session(space, "id -un; exit 3")
    check("a session starts from it", (done.returncode, done.stdout) == (3, "agentuser\n"), done)
    version = engine.run(engine.line(space, "--version", options=["--agent", "codex"]))
    check("the CLI is found in it", version.returncode == 0 and version.stdout.startswith("codex"), version)
finish()
