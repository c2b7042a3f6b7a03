#!/usr/bin/env python3
"""A real CLI does the same work natively and in a session, and cannot give its key away.

usage: clients_test.py CLI SOURCE_ROOT BUILD_ROOT [--native-only] [--keep]
Exit 77: cannot run here, with the reason. The transcripts are left in BUILD_ROOT/CLI-*.json.
"""

import argparse
import hashlib
import importlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile

import scenario
from comparison import Comparison
from model_mock import ModelMock

HERE = pathlib.Path(__file__).resolve().parent
HOST_UID = 4321  # the workspace's owner: neither root nor an id that the session uses
CLI_UID = 1001
CANNOT_RUN = 77
PATIENCE = 150  # seconds for one run; it ends the test, and decides nothing

failures = []


def check(good, what):
    if not good:
        failures.append(what)
        print(f"FAILED: {what}")


def fetch(name):
    done = subprocess.run([HERE / "fetch", name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"SKIP: {name} cannot be fetched: {done.stderr.strip()}")
        sys.exit(CANNOT_RUN)
    return pathlib.Path(done.stdout.strip())


def make_workspace(parent, seed):
    workspace = parent / "workspace"
    workspace.mkdir(parents=True)
    for name, text in seed.items():
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text(text)
    for path in [workspace, *workspace.rglob("*")]:
        os.chown(path, HOST_UID, HOST_UID)
    return workspace


def turns(cli):
    """All turns of a CLI: the shared ones, what it needs after some of them, and its own."""
    for turn in scenario.TURNS:
        yield turn
        if turn[0].name in cli.AFTER:
            yield cli.AFTER[turn[0].name]
    yield from cli.MORE_TURNS


class Leg:
    """One whole run of the CLI: how it is started, and what it left."""

    def __init__(self, cli, directory, parent):
        self.cli = cli
        self.directory = directory  # of the CLI's package
        self.parent = parent
        parent.mkdir(mode=0o755)
        self.workspace = make_workspace(parent, scenario.SEED | cli.SEED)
        self.outputs = {}

    def script(self, outputs):
        return [[(step.name, *self.cli.call(step, outputs, self.places())) for step in turn]
                for turn in turns(self.cli)
                if all(step.data.get("of") in (None, *outputs) for step in turn)]

    def run(self):
        with ModelMock(self.script) as mock:
            try:
                self.done = self.start(mock.url)
            except subprocess.TimeoutExpired as late:
                self.done = subprocess.CompletedProcess(
                    late.cmd, "never", *((text or b"").decode() for text in (late.stdout, late.stderr)))
        self.mock = mock
        compare = Comparison(self.cli.NAME)
        self.outputs = {name: compare.normalise(text, self.renamed())
                        for name, text in mock.outputs.items()}
        self.files = tree(self.workspace)

    def save(self, path):
        kept = {"outputs": self.outputs, "files": self.files, "stdout": self.done.stdout,
                "stderr": self.done.stderr}
        path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")

    def check(self, uid):
        name = type(self).__name__.lower()
        mock = self.mock
        check(self.done.returncode == 0,
              f"{name}: the CLI exited {self.done.returncode}\n{self.done.stderr[-3000:]}")
        check(not mock.problems, f"{name}: the mock could not answer: {mock.problems}")
        check(mock.keys == {getattr(self.cli, "API_KEY", scenario.KEY)},
              f"{name}: the key reached the API, and no other")
        check(mock.client_uids == {uid}, f"{name}: the API was called by uid {mock.client_uids}")
        wanted = sorted(step.name for turn in turns(self.cli) for step in turn)
        check(sorted(self.outputs) == wanted,
              f"{name}: answered were {sorted(self.outputs)}, not {wanted}")
        foreign = [str(path) for path in [self.workspace, *self.workspace.rglob("*")]
                   if (path.lstat().st_uid, path.lstat().st_gid) != (HOST_UID, HOST_UID)]
        check(not foreign, f"{name}: the workspace's owner owns everything in it but {foreign}")


# The user has an account natively, too: CLIs look for its name and shell.
AS_USER = 'mount --bind "$0" /etc/passwd && exec setpriv "$@"'


class Native(Leg):
    def places(self):
        return {"workspace": str(self.workspace), "secret": str(self.home / self.cli.SECRET_FILE)}

    @property
    def home(self):
        return self.parent / "home"

    def renamed(self):
        return {str(self.workspace): "/workspace", str(self.home): "/home/agentuser",
                re.sub("[^A-Za-z0-9]", "-", str(self.workspace)): "-workspace"}

    def start(self, url):
        secret = self.home / self.cli.SECRET_FILE
        secret.parent.mkdir(parents=True)
        secret.write_text(self.cli.secret_text(scenario.KEY))
        for path in [self.home, *self.home.rglob("*")]:
            os.chown(path, HOST_UID, HOST_UID)
            path.chmod(0o700 if path.is_dir() else 0o600)
        environment = {"HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin",
                       "LANG": "C.UTF-8", **self.cli.environment(url)}
        accounts = self.parent / "passwd"
        accounts.write_text(pathlib.Path("/etc/passwd").read_text() + f"agentuser:x:{HOST_UID}:"
                            f"{HOST_UID}::{self.home}:/bin/bash\n")
        become = ["unshare", "--mount", "--propagation", "private", "sh", "-c", AS_USER, accounts,
                  f"--reuid={HOST_UID}", f"--regid={HOST_UID}", "--clear-groups", "--"]
        return subprocess.run([*become, *self.cli.program(self.directory),
                               *self.cli.arguments(url)],
                              cwd=self.workspace, env=environment, umask=0o022,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)


class Trapped(Leg):
    source = build = None  # the roots; set once

    def places(self):
        return {"workspace": "/workspace", "secret": f"/home/agentuser/{self.cli.SECRET_FILE}"}

    def renamed(self):
        return {}

    @property
    def events(self):
        return self.parent / "events"

    def start(self, url):
        key_in, key_out = os.pipe()
        os.write(key_out, self.cli.secret_text(scenario.KEY).encode())
        os.close(key_out)
        variables = [part for name, value in self.cli.environment(url).items()
                     for part in ("--env", f"{name}={value}")]
        command = [self.source / "scripts/launchers/run-agent", "--engine", "local",
                   "--agent", self.cli.NAME, "--workspace", self.workspace,
                   "--cli-dir", self.directory, "--build-dir", self.build,
                   "--policy", HERE / "policy.json", "--events", self.events,
                   "--secret-fd", f"{key_in}={self.cli.SECRET}", *variables,
                   "--", *self.cli.program(self.directory), *self.cli.arguments(url)]
        try:
            return subprocess.run(command, pass_fds=[key_in], stdin=subprocess.DEVNULL, umask=0o022,
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
        finally:
            os.close(key_in)

    def check_secrecy(self):
        told = [text for text in self.mock.bodies if scenario.KEY in text]
        check(not told, "the key is in no request to the model")
        check(scenario.KEY not in self.done.stdout + self.done.stderr, "the key was not printed")
        text = self.events.read_text() if self.events.exists() else ""
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


def compare(cli, native, trapped):
    for problem in Comparison(cli.NAME).problems(native.outputs, trapped.outputs):
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
    parser.add_argument("--keep", action="store_true", help="leave the working directory")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("SKIP: needs root")
        sys.exit(CANNOT_RUN)
    cli = importlib.import_module(f"{options.cli}_cli")
    directory = fetch(cli.NAME)
    Trapped.source, Trapped.build = options.source, options.build
    equal = 0

    # Not below /tmp: Codex makes no helper links there, and that would be a difference.
    top = pathlib.Path(tempfile.mkdtemp(prefix=f"{cli.NAME}-test-", dir="/var/tmp"))
    top.chmod(0o755)
    try:
        native = Native(cli, directory, top / "native")
        native.run()
        native.save(options.build / f"{cli.NAME}-native.json")
        native.check(HOST_UID)
        if not options.native_only:
            trapped = Trapped(cli, directory, top / "trapped")
            trapped.run()
            trapped.save(options.build / f"{cli.NAME}-trapped.json")
            trapped.check(CLI_UID)
            trapped.check_secrecy()
            equal = compare(cli, native, trapped)
    finally:
        if not options.keep:
            shutil.rmtree(top)
    print(f"{directory.name}: {equal} outputs and files compared, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
