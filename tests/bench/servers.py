"""spawn_bench running natively, on the host and as the CLI of a session, and what it answers."""

import dataclasses
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}

PERCENTILES = (1, *range(5, 100, 5), 99)  # for a picture

NAMES = {"agent-task-runn": "agent-task-runnerd"}  # the kernel keeps 15 characters


@dataclasses.dataclass
class Setup:
    """What a server runs under: that many CPUs, and that many mounts more than the host has."""
    cpus: int
    mounts: int = 0

    def command(self):
        """Words to put before a command."""
        cpus = sorted(os.sched_getaffinity(0))[:self.cpus]
        words = ["taskset", "--cpu-list", ",".join(map(str, cpus))]
        if self.mounts:
            script = ("mount -t tmpfs none /srv; for i in $(seq \"$1\"); do mkdir /srv/$i; "
                      "mount -t tmpfs none /srv/$i; done; shift; exec \"$@\"")
            words += ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script, "sh",
                      str(self.mounts)]
        return words


class Samples:
    """The outcomes and times of one or more requests."""

    def __init__(self, ran=0, missing=0, other=0, elapsed=0, times=()):
        self.ran, self.missing, self.other, self.elapsed = ran, missing, other, elapsed
        self.times = list(times)

    def add(self, more):
        self.ran += more.ran
        self.missing += more.missing
        self.other += more.other
        self.elapsed += more.elapsed
        self.times += more.times

    def percentile(self, percent):
        """In microseconds."""
        ordered = sorted(self.times)
        return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1000, 1)

    def figures(self):
        return {"count": len(self.times), "ran": self.ran, "missing": self.missing,
                "other": self.other, "p10_us": self.percentile(10), "p50_us": self.percentile(50),
                "p99_us": self.percentile(99),
                "percentiles_us": {percent: self.percentile(percent) for percent in PERCENTILES},
                "per_second": round(len(self.times) * 1e9 / self.elapsed)}


class Server:
    """A running spawn_bench; ends when closed."""

    def __init__(self, setup, command):
        self.process = subprocess.Popen(
            [*setup.command(), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=ENVIRONMENT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def measure(self, count, callers, program):
        self.process.stdin.write(f"{count} {callers} {' '.join(program)}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"bench: {self.process.args} ended with {self.process.wait()}")
        ran, missing, other, elapsed, *times = map(int, answer.split())
        return Samples(ran, missing, other, elapsed, times)


class Host(Server):
    """On the host as root, where other tools make their sandboxes themselves."""

    def __init__(self, setup, programs, bench="spawn_bench"):
        super().__init__(setup, [f"{programs}/{bench}"])


class Native(Server):
    """As uid 1000 in a view of the machine laid out like a session's."""

    def __init__(self, setup, workspace, programs):
        super().__init__(setup, [f"{ROOT}/tests/parity/native_view.sh", workspace, programs, "--",
                                 f"{programs}/spawn_bench"])


class Session(Server):
    """As the vendor CLI of a session: every program it starts is intercepted."""

    def __init__(self, setup, workspace, programs, build):
        super().__init__(setup, [
            f"{ROOT}/scripts/launchers/run-agent", "--engine", "local", "--agent", "custom",
            "--build-dir", build, "--workspace", workspace, "--cli-dir", programs, "--",
            f"{programs}/spawn_bench"])

    def memory(self):
        """Resident memory in KiB of the session's processes of ours, by name."""
        memory = {}
        for pid in descendants(self.process.pid):
            status = read_status(pid)
            name = NAMES.get(status.get("Name"), status.get("Name", ""))
            if name == "agent-init" and status["NSpid"].split()[1:] == ["1"]:
                name = "PID 1"
            if name == "PID 1" or name.startswith("agent-"):
                memory.setdefault(name, int(status.get("VmRSS", "0").split()[0]))
        return memory


def read_status(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return {}


def descendants(pid):
    """A process and everything below it."""
    yield pid
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = file.read().split()
    except FileNotFoundError:
        return
    for child in children:
        yield from descendants(int(child))


def bwrap(workspace):
    """bubblewrap with a pid and a mount namespace, /proc, /dev and read-only system directories."""
    if not shutil.which("bwrap"):
        raise SystemExit("bench: bwrap is missing; scripts/setup installs it")
    links = [word for name in ("bin", "sbin", "lib", "lib64")
             for word in ("--symlink", f"usr/{name}", f"/{name}")]
    return ["/usr/bin/bwrap", "--unshare-pid", "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc",
            "--ro-bind", "/opt", "/opt", *links, "--proc", "/proc", "--dev", "/dev", "--bind",
            workspace, "/workspace", "--tmpfs", "/tmp", "--tmpfs", "/home", "--chdir", "/workspace"]


def script(programs):
    """A shell script of unshare and setpriv."""
    return [f"{programs}/unshare_and_setpriv.sh"]
