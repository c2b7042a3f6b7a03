"""A session's exit status is the CLI's; what keeps it from starting is said in one line."""

import os
import pathlib
import tempfile

from life import (Checks, Events, Session, bash, need_root, subprocess, time, workspace)

need_root()
checks = Checks()


def statuses():
    for code in (0, 1, 7, 42, 125, 126, 127, 255):
        checks.equal(f"exit code {code}", bash(f"exit {code}").run().status, code)
    for name, number in (("TERM", 15), ("KILL", 9), ("SEGV", 11), ("USR1", 10), ("PIPE", 13)):
        checks.equal(f"ended by SIG{name}", bash(f"kill -{name} $$").run().status, 128 + number)


def cannot_be_executed():
    missing = Session(["/nowhere/cli"]).run()
    checks.equal("a CLI that is not there", missing.status, 127)
    checks.check("... is named in one line",
                 missing.stderr.count("\n") == 1 and "'/nowhere/cli'" in missing.stderr and
                 "ENOENT" in missing.stderr, missing.stderr)
    not_on_path = Session(["no-such-cli"]).run()
    checks.equal("a CLI that is not on PATH", not_on_path.status, 127)
    no_program = Session(["/etc/passwd"]).run()
    checks.equal("a file that is no program", no_program.status, 126)
    checks.check("... says so", "EACCES" in no_program.stderr, no_program.stderr)
    space = workspace()
    script = space / "cli"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    checks.equal("a CLI in the workspace, where agentcli may not execute",
                 Session(["/workspace/cli"], space=space).run().status, 126)


def set_up_failures():
    for what, options in (
            ("a workspace that is no directory to work in", ["--workspace", "/proc"]),
            ("a directory that is not there", ["--cwd", "missing"]),
            ("an events file that cannot be opened", ["--events", "/nowhere/events"]),
    ):
        failed = bash("exit 0", options=options).run()
        checks.equal(what, failed.status, 125)
        checks.check(f"{what}: one line", failed.stderr.count("\n") == 1 and
                     failed.stderr.startswith("agent-init: "), failed.stderr)
    short = bash("exit 0", secrets={"token": "short"}).run()
    checks.equal("a secret too short to be told from other text", short.status, 125)
    checks.check("... its name is given, its value is not",
                 "'token'" in short.stderr and "short\n" not in short.stderr, short.stderr)


def scripts_as_cli():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        for what, line in (("sh", "#!/bin/sh"), ("env", "#!/usr/bin/env bash"),
                           ("sh with an option", "#!/bin/sh -e")):
            script = pathlib.Path(directory) / "cli"
            script.write_text(f"{line}\necho \"$1\"\nexit 3\n")
            script.chmod(0o755)
            result = Session([str(script), "argument"], options=["--cli-dir", directory]).run()
            checks.equal(f"a script of {what} as the CLI", (result.status, result.stdout),
                         (3, "argument\n"))


def stdio():
    echoed = subprocess.run(
        Session(["/bin/cat"]).command_line({}), input="through\n" * 5000, text=True,
        capture_output=True, check=False)
    checks.equal("stdin reaches the CLI and stdout the caller", echoed.stdout, "through\n" * 5000)
    apart = bash("echo out; echo err >&2").run()
    checks.equal("stdout and stderr stay apart", (apart.stdout, apart.stderr), ("out\n", "err\n"))
    listing = bash("for n in {0..254}; do [ -e /proc/$$/fd/$n ] && echo $n; done").run().stdout
    checks.equal("the CLI has no descriptor but its stdio", listing.split(), ["0", "1", "2"])
    closed = subprocess.run(
        ["/bin/bash", "-c", 'exec 0<&-; exec "$@"', "-", *Session(
            ["/bin/bash", "-c", "[ -e /proc/$$/fd/0 ] && echo open || echo closed"]
        ).command_line({})], text=True, capture_output=True, check=False)
    checks.equal("a closed stdin is closed for the CLI too", closed.stdout, "closed\n")


def lingering():
    start = time.monotonic()
    quick = bash("exit 0").run()
    took = time.monotonic() - start
    checks.check("nothing lingers: no grace period is waited for", took < 1.9, f"{took:.2f} s")
    checks.equal("... and it says nothing", (quick.status, quick.stderr), (0, ""))
    start = time.monotonic()
    stubborn = bash("/bin/bash -c 'trap \"\" TERM; sleep 600 & wait; sleep 600' & "
                    "(trap '' TERM; while :; do :; done) & sleep 0.3; exit 5")
    with stubborn:
        stubborn.ready()
        stubborn.remember_namespaces()
        result = stubborn.finish(20)
    took = time.monotonic() - start
    checks.equal("stubborn processes do not change the status", result.status, 5)
    checks.check("... nor last longer than the grace periods", took < 9, f"{took:.2f} s")
    checks.equal("... and none survives", stubborn.survivors(), [])
    polite = bash("/bin/bash -c 'trap \"echo told >told; exit\" TERM; "
                  "echo >ready; while :; do sleep 0.05; done' & "
                  "while [ ! -e ready ]; do sleep 0.05; done; exit 0", space=(space := workspace()))
    polite.run()
    checks.check("a background command is told to end before it is killed",
                 (space / "told").exists(), list(space.iterdir()))


def events():
    with Events() as log:
        bash("exit 3", options=log.options).run()
        start, end = log.records("session-start"), log.records("session-end")
        checks.equal("one session-start", len(start), 1)
        checks.equal("one session-end", len(end), 1)
        checks.equal("the end says how", (end[0]["event"]["reason"],
                                          end[0]["process"]["exit_code"]), ("cli-exited", 3))
        checks.equal("one enforcement", len(log.records("enforcement")), 1)


statuses()
cannot_be_executed()
set_up_failures()
scripts_as_cli()
stdio()
lingering()
events()
checks.finish()
