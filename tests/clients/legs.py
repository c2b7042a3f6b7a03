"""The two ways to run a CLI for a comparison: natively, and in a session.

Sessions are local ones, or in containers: tests/container/with_engine.py says so by TEST_ENGINE.
"""

import os
import pathlib
import re
import subprocess
import sys

import scenario

# The engine of the exec trap, where one is asked for.
TRAP = [word for word in ("--engine-trap", os.environ.get("TEST_ENGINE_TRAP")) if
        "TEST_ENGINE_TRAP" in os.environ]
ENGINE = os.environ.get("TEST_ENGINE", "local")
LOOPBACK = "127.0.0.1"
HERE = pathlib.Path(__file__).resolve().parent
HOST_UID = 4321  # the workspace's owner: neither root nor an id that the session uses
CLI_UID = 1001
CANNOT_RUN = 77


def fetch(name):
    """The directory of the CLI's package."""
    if os.geteuid() != 0:
        print("SKIP: needs root")
        sys.exit(CANNOT_RUN)
    done = subprocess.run([HERE / "fetch", name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"SKIP: {name} cannot be fetched: {done.stderr.strip()}")
        sys.exit(CANNOT_RUN)
    return pathlib.Path(done.stdout.strip())


class Leg:
    """A workspace, and how the CLI is started in it."""

    uid = None  # of the CLI
    model_address = LOOPBACK  # where the CLI finds the model's mock

    def __init__(self, cli, directory, parent):
        self.cli = cli
        self.directory = directory  # of the CLI's package
        self.parent = parent
        self.name = type(self).__name__.lower()
        parent.mkdir(mode=0o755)
        self.workspace = parent / "workspace"
        self.workspace.mkdir()
        for name, text in (scenario.SEED | cli.SEED).items():
            path = self.workspace / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.give_away(self.workspace)

    def tcp_table(self):
        """Lists the CLI's connections, and whose they are (proc(5), /proc/net/tcp)."""
        return "/proc/net/tcp"

    @staticmethod
    def give_away(directory):
        for path in [directory, *directory.rglob("*")]:
            os.chown(path, HOST_UID, HOST_UID)


# The user has an account natively, too: CLIs look for its name and shell.
AS_USER = 'mount --bind "$0" /etc/passwd && exec setpriv "$@"'


class Native(Leg):
    uid = HOST_UID

    def __init__(self, *where):
        super().__init__(*where)
        self.home = self.parent / "home"
        secret = self.home / self.cli.SECRET_FILE
        secret.parent.mkdir(parents=True)
        secret.write_text(self.cli.secret_text(scenario.KEY))
        self.give_away(self.home)
        for path in [self.home, *self.home.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        self.accounts = self.parent / "passwd"
        self.accounts.write_text(pathlib.Path("/etc/passwd").read_text() + "agentuser:x:"
                                 f"{HOST_UID}:{HOST_UID}::{self.home}:/bin/bash\n")

    def places(self):
        return {"workspace": str(self.workspace), "secret": str(self.home / self.cli.SECRET_FILE)}

    def renamed(self):
        return {str(self.workspace): "/workspace", str(self.home): "/home/agentuser",
                re.sub("[^A-Za-z0-9]", "-", str(self.workspace)): "-workspace"}

    def words(self, url, arguments, _key_fd, more=()):
        """The command line; `more` are variables."""
        variables = {"HOME": self.home, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
                     **self.cli.environment(url), **dict(more)}
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", AS_USER,
                self.accounts, f"--reuid={HOST_UID}", f"--regid={HOST_UID}", "--clear-groups",
                "--", "env", "-i", *(f"{name}={value}" for name, value in variables.items()),
                *self.cli.program(self.directory), *arguments]


class Trapped(Leg):
    uid = CLI_UID
    source = build = None  # the roots; set once
    engine = ["local"]
    policy = HERE / "policy.json"

    @property
    def events(self):
        return self.parent / "events"

    def places(self):
        return {"workspace": "/workspace", "secret": f"/home/agentuser/{self.cli.SECRET_FILE}"}

    def renamed(self):
        return {}

    def words(self, url, arguments, key_fd, more=()):
        """The command line; the key comes by descriptor `key_fd`."""
        variables = {**self.cli.environment(url), **dict(more)}
        return [self.source / "scripts/launchers/run-agent", "--engine", *self.engine,
                "--agent", self.cli.NAME, "--workspace", self.workspace,
                "--build-dir", self.build,
                "--policy", self.policy, "--events", self.events,
                "--secret-fd", f"{key_fd}={self.cli.SECRET}",
                *(part for name, value in variables.items()
                  for part in ("--env", f"{name}={value}")),
                *TRAP, *self.program(), *arguments]

    def program(self):
        """Where the CLI is, and how it begins."""
        return ["--cli-dir", self.directory, "--", *self.cli.program(self.directory)]


class InContainer(Trapped):
    """Where containers have a network of their own, loopback is not the test's."""

    model_address = os.environ.get("TEST_BRIDGE")

    def __init__(self, *where):
        super().__init__(*where)
        self.container = f"{self.cli.NAME}-{os.getpid()}"
        self.engine = [ENGINE, "--image", os.environ["TEST_IMAGE"], "--name", self.container]

    def tcp_table(self):
        root = subprocess.run([ENGINE, "inspect", "-f", "{{.State.Pid}}", self.container],
                              capture_output=True, text=True, check=True).stdout.strip()
        return f"/proc/{root}/net/tcp"


    def program(self):
        """The image may have the CLI, and know where."""
        return ["--"] if os.environ.get("TEST_CLI") == "of the image" else super().program()


IN_SESSION = Trapped if ENGINE == "local" else InContainer
