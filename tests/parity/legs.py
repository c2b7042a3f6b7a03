"""The ways a row is run; each returns {id: {stdout, stderr, status}}.

native    row_runner.py in a view of this machine laid out like a session, without a supervisor
cli       the row's program IS the vendor CLI of a session of its own: one run-agent per row
command   one session whose CLI is row_runner.py: each row's program is a command in a sandbox
isolated  the same, and each command has a pid namespace of its own: the shipped profile `isolated`
"""

import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TIMEOUT = 30  # seconds a row may take

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/home/agentuser",
    "USER": "agentuser",
    "LOGNAME": "agentuser",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
}


def write_rows(rows, path, folder, argv_of, timeout=TIMEOUT):
    """The JSON row_runner.py reads. `folder` is where the rows' folders are for the runner."""
    described = [{"id": row.id, "argv": argv_of(row), "folder": os.path.join(folder, row.id),
                  "environment": ENVIRONMENT, "stdio": row.stdio, "timeout": timeout}
                 for row in rows]
    with open(path, "w") as file:
        json.dump(described, file)


def read_results(path):
    with open(path) as file:
        return json.load(file)


def finish(process, what):
    """Waits for a leg's process; the leg's rows have their own time limits."""
    if process.wait() != 0:
        raise SystemExit(f"{what} ended with status {process.returncode}")


class Native:
    name = "native"

    def __init__(self, programs, workspace, launcher=None, jobs=1):
        self.programs, self.workspace = programs, workspace

    def run(self, rows):
        write_rows(rows, f"{self.programs}/native.json", "/workspace", lambda row: row.argv)
        command = [f"{HERE}/native_view.sh", self.workspace, self.programs, "--",
                   "/usr/bin/python3", f"{self.programs}/row_runner.py",
                   f"{self.programs}/native.json", "/workspace/results.json"]
        finish(subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL), "native view")
        return read_results(f"{self.workspace}/results.json")


class Command:
    name = "command"
    profile = "task"

    def __init__(self, programs, workspace, launcher, jobs=1):
        self.programs, self.workspace, self.launcher = programs, workspace, launcher

    def policy(self):
        """The shipped policy, with this leg's profile as the default."""
        with open(f"{ROOT}/policy/default.json") as file:
            policy = json.load(file)
        del policy["$schema"]
        path = f"{self.programs}/policy-{self.profile}.json"
        with open(path, "w") as file:
            json.dump(dict(policy, default_profile=self.profile), file)
        return path

    def run(self, rows):
        write_rows(rows, f"{self.programs}/command.json", "/workspace", lambda row: row.argv)
        command = [*self.launcher, "--workspace", self.workspace, "--cli-dir", self.programs,
                   "--policy", self.policy(), *environment_options(), "--", "/usr/bin/python3",
                   f"{self.programs}/row_runner.py", f"{self.programs}/command.json",
                   "/workspace/results.json"]
        finish(subprocess.Popen(command, stdin=subprocess.DEVNULL), "session with commands")
        return read_results(f"{self.workspace}/results.json")


class Isolated(Command):
    name = "isolated"
    profile = "isolated"


class Cli:
    name = "cli"

    def __init__(self, programs, workspace, launcher, jobs=1):
        self.programs, self.workspace, self.launcher = programs, workspace, launcher
        self.jobs = jobs

    def session(self, row):
        return [*self.launcher, "--workspace", self.workspace, "--cli-dir", self.programs,
                "--cwd", row.id, *environment_options(), "--", *row.argv]

    def run(self, rows):
        runners = []
        for job in range(self.jobs):
            rows_file, results_file = (f"{self.programs}/cli-{job}{kind}.json"
                                       for kind in ("", "-results"))
            write_rows(rows[job::self.jobs], rows_file, self.workspace, self.session,
                       TIMEOUT + 10)
            runners.append((results_file, subprocess.Popen(
                ["/usr/bin/python3", f"{HERE}/row_runner.py", rows_file, results_file])))
        results = {}
        for results_file, runner in runners:
            finish(runner, "sessions")
            results.update(read_results(results_file))
        return results


def environment_options():
    return [word for name, value in ENVIRONMENT.items() if name != "HOME"
            for word in ("--env", f"{name}={value}")]
