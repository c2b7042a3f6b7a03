#!/usr/bin/env python3
"""A real CLI does the same work natively and in a session, and cannot give its key away.

usage: clients_test.py CLI SOURCE_ROOT BUILD_ROOT [--sandbox MODE [--short]] [--native-only] [--keep]
Exit 77: cannot run here, with the reason. The transcripts are left in BUILD_ROOT/CLI-*.json.
"""

import argparse
import hashlib
import importlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

import scenario
from comparison import Comparison
from legs import HERE, HOST_UID, IN_SESSION, Native, fetch
from model_mock import ModelMock

PATIENCE = 150  # seconds for one run; it ends the test, and decides nothing

failures = []


def check(good, what):
    if not good:
        failures.append(what)
        print(f"FAILED: {what}")


def turns(cli):
    """All turns of a CLI: the shared ones, what it needs after some of them, and its own."""
    for turn in scenario.TURNS:
        yield turn
        if turn[0].name in cli.AFTER:
            yield cli.AFTER[turn[0].name]
    yield from cli.MORE_TURNS


def name_of_run(cli):
    """Rows of normalise.tsv and differences.tsv may be about one."""
    mode = getattr(cli, "MODE", None)
    return f"{cli.NAME}-{mode}" if mode else cli.NAME


def with_own_sandbox(cli, mode, short):
    """The CLI's own sandbox is on, and what cannot be done in one is left out."""
    cli.MODE = cli.SANDBOX = mode
    IN_SESSION.policy = HERE / "own_sandbox.json"
    scenario.TURNS[:] = [turn for turn in scenario.TURNS
                         if turn[0].name not in cli.NOT_SANDBOXED and
                         (turn[0].name in cli.SHORT or not short)]
    scenario.TURNS.append([scenario.run("fenced", scenario.FENCED)])
    if short:
        cli.MORE_TURNS.clear()


class Run:
    """One whole run of the CLI, and what it left."""

    def __init__(self, leg):
        self.leg = leg
        self.cli = leg.cli
        self.outputs = {}
        with ModelMock(self.script, leg.model_address, leg.tcp_table) as self.mock:
            self.done = self.start()
        normalise = Comparison(name_of_run(self.cli)).normalise
        self.outputs = {name: normalise(text, leg.renamed())
                        for name, text in self.mock.outputs.items()}
        self.files = tree(leg.workspace)

    def script(self, outputs):
        return [[(step.name, *self.cli.call(step, outputs, self.leg.places())) for step in turn]
                for turn in turns(self.cli)
                if all(step.data.get("of") in (None, *outputs) for step in turn)]

    def start(self):
        url = self.mock.url
        key_in, key_out = os.pipe()
        os.write(key_out, self.cli.secret_text(scenario.KEY).encode())
        os.close(key_out)
        try:
            return subprocess.run(self.leg.words(url, self.cli.arguments(url), key_in),
                                  cwd=self.leg.workspace, pass_fds=[key_in], umask=0o022,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(
                late.cmd, "never", *((text or b"").decode() for text in (late.stdout, late.stderr)))
        finally:
            os.close(key_in)

    def save(self, build):
        kept = {"outputs": self.outputs, "files": self.files, "stdout": self.done.stdout,
                "stderr": self.done.stderr}
        path = build / f"{name_of_run(self.cli)}-{self.leg.name}.json"
        path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")

    def check(self):
        name, mock, workspace = self.leg.name, self.mock, self.leg.workspace
        check(self.done.returncode == 0,
              f"{name}: the CLI exited {self.done.returncode}\n{self.done.stderr[-3000:]}")
        check(not mock.problems, f"{name}: the mock could not answer: {mock.problems}")
        check(mock.keys == {getattr(self.cli, "API_KEY", scenario.KEY)},
              f"{name}: the key reached the API, and no other")
        check(mock.client_uids == {self.leg.uid},
              f"{name}: the API was called by uid {mock.client_uids}")
        wanted = sorted(step.name for turn in turns(self.cli) for step in turn)
        check(sorted(self.outputs) == wanted,
              f"{name}: answered were {sorted(self.outputs)}, not {wanted}")
        foreign = [str(path) for path in [workspace, *workspace.rglob("*")]
                   if (path.lstat().st_uid, path.lstat().st_gid) != (HOST_UID, HOST_UID)]
        check(not foreign, f"{name}: the workspace's owner owns everything in it but {foreign}")

    def check_secrecy(self):
        """In a session."""
        told = [text for text in self.mock.bodies if scenario.KEY in text]
        check(not told, "the key is in no request to the model")
        check(scenario.KEY not in self.done.stdout + self.done.stderr, "the key was not printed")
        events = self.leg.events
        text = events.read_text() if events.exists() else ""
        check(scenario.KEY not in text, "the key is not in the event log")
        actions = [json.loads(line)["data"]["event"]["action"] for line in text.splitlines()]
        commands = sum(step.kind in ("run", "background", "limited")
                       for turn in scenario.TURNS for step in turn) - 1
        check(actions.count("exec-allowed") >= commands, f"exec-allowed events: {actions}")
        check(actions.count("exec-denied") == 1, f"one exec was denied: {actions}")


def tree(workspace):
    """{path: (kind and mode, owner, content)} of everything in the workspace but git's objects."""
    found = {}
    for path in sorted(workspace.rglob("*")):
        name = path.relative_to(workspace)
        if ".git" in name.parts:
            continue
        info = path.lstat()
        content = ""
        if stat.S_ISLNK(info.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        found[str(name)] = (oct(info.st_mode), info.st_uid, info.st_gid, content)
    return found


def without_namespaces(cli, directory, place):
    """The CLI's sandbox cannot be had: each command says so, and the CLI goes on to its end."""
    IN_SESSION.policy = HERE / "policy.json"  # userns: deny
    refused = Run(IN_SESSION(cli, directory, place))
    refused.check()
    for name in ("both-streams", "killed"):
        check("No permissions to create new namespace" in refused.outputs.get(name, ""),
              f"userns: deny, {name}: {refused.outputs.get(name)}")


def compare(cli, native, trapped):
    steps = {step.name for turn in turns(cli) for step in turn}
    for problem in Comparison(name_of_run(cli), steps).problems(native.outputs, trapped.outputs):
        check(False, problem)
    for name in sorted(native.files | trapped.files):
        check(native.files.get(name) == trapped.files.get(name),
              f"file '{name}' differs: natively {native.files.get(name)}, "
              f"trapped {trapped.files.get(name)}")
    return len(native.outputs) + len(native.files)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cli")
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--native-only", action="store_true")
    parser.add_argument("--sandbox", metavar="MODE", help="with the CLI's own sandbox")
    parser.add_argument("--short", action="store_true", help="with that, a few steps")
    parser.add_argument("--keep", action="store_true", help="leave the working directory")
    options = parser.parse_args()
    cli = importlib.import_module(f"{options.cli}_cli")
    if options.sandbox:
        with_own_sandbox(cli, options.sandbox, options.short)
    directory = fetch(cli.NAME)
    IN_SESSION.source, IN_SESSION.build = options.source, options.build
    equal = 0

    # Not below /tmp: Codex makes no helper links there, and that would be a difference.
    top = pathlib.Path(tempfile.mkdtemp(prefix=f"{cli.NAME}-test-", dir="/var/tmp"))
    top.chmod(0o755)
    try:
        native = Run(Native(cli, directory, top / "native"))
        native.save(options.build)
        native.check()
        if not options.native_only:
            trapped = Run(IN_SESSION(cli, directory, top / "trapped"))
            trapped.save(options.build)
            trapped.check()
            trapped.check_secrecy()
            equal = compare(cli, native, trapped)
        if options.short:
            without_namespaces(cli, directory, top / "without")
    finally:
        if not options.keep:
            shutil.rmtree(top)
    print(f"{directory.name}: {equal} outputs and files compared, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
