"""Runs victims in sessions of the supervisor and natively, and judges what they print."""

import atexit
import itertools
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD_DIR", TOP / "build"))
VICTIMS = pathlib.Path(os.environ.get("VICTIMS_DIR", BUILD / "tests/victims"))
LAUNCHER = TOP / "scripts/launchers/run-agent"
ENGINE = os.environ.get("TEST_ENGINE", "local")  # docker: tests/container/with_engine.py sets it
SOAK = os.environ.get("SOAK") == "1"
TRAP = os.environ.get("TEST_ENGINE_TRAP", "notify")
# What a session is started by: where it must do without CAP_SYS_PTRACE, something that takes it away.
WITHOUT_PTRACE = os.environ.get("TEST_WITHOUT_PTRACE") == "1"
# What a soak repeats without that capability it tries with the small counts: the code is the same.
FULL_COUNTS = SOAK and not WITHOUT_PTRACE
STARTER = ["/usr/bin/setpriv", "--bounding-set=-sys_ptrace"] if WITHOUT_PTRACE else []

AGENTUSER, AGENTCLI, AGENTAUDIT = 1000, 1001, 1002
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def count(full):
    """The full count in a soak, else a tenth."""
    return full if FULL_COUNTS else max(1, full // 10)


def need_root():
    """Ends the test with 77 where it cannot run."""
    if os.geteuid() != 0:
        print("skipped: sessions need root")
        sys.exit(77)
    if not LAUNCHER.exists():
        print(f"skipped: {LAUNCHER} is missing")
        sys.exit(77)


def victim(name):
    return str(VICTIMS / name)


def command(name, *args):
    """The words of a CLI that runs one victim as a command."""
    return [victim("as_command"), victim(name), *args]


class Checks:
    """Counts what held; prints every check, and exits 1 when one failed."""

    def __init__(self):
        self.failed = []
        self.passed = 0

    def check(self, name, holds, detail=""):
        if holds:
            self.passed += 1
            print(f"ok   {name}", flush=True)
            return True
        self.failed.append(name)
        print(f"FAIL {name}: {detail}", flush=True)
        return False

    def equal(self, name, got, wanted):
        return self.check(name, got == wanted, f"got {got!r}, wanted {wanted!r}")

    def finish(self):
        print(f"{self.passed} held, {len(self.failed)} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


class Result:
    """How a run ended and what it printed."""

    def __init__(self, status, stdout, stderr):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    def facts(self, stream=None):
        """The lines "what<TAB>outcome" as a dictionary; of equal names the last."""
        text = self.stdout if stream is None else stream
        return dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)

    def number(self, what):
        return int(self.facts().get(what, 0))

    def all(self, what):
        """Every outcome of one name."""
        lines = (line.split("\t", 1) for line in self.stdout.splitlines() if "\t" in line)
        return [outcome for name, outcome in lines if name == what]

    def __str__(self):
        return f"status {self.status}\n{self.stdout[-3000:]}\n{self.stderr[-2000:]}"


def workspace(uid=AGENTUSER, gid=AGENTUSER):
    """A new directory for /workspace, gone at exit."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="victims-"))
    os.chown(path, uid, gid)
    _made.append(path)
    return path


_made = []
_numbers = itertools.count()
atexit.register(lambda: clean_up())


def clean_up():
    while _made:
        shutil.rmtree(_made.pop(), ignore_errors=True)


def native(argv, cwd=None, uid=AGENTUSER, timeout=120, env=None, stdin=None, **more):
    """Runs a program on this machine without a session, as a user without privileges."""
    argv = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--bounding-set=-all", *map(str, argv)]
    done = subprocess.run(argv, cwd=cwd, timeout=timeout, text=True, errors="replace",
                          env=env or clean_env(), stdin=stdin or subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **more)
    return Result(done.returncode, done.stdout, done.stderr)


def clean_env(**more):
    engine = {name: os.environ[name] for name in ("DOCKER_HOST",) if name in os.environ}
    return {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", **engine, **more}


def container_root(name):
    """The first process of a container, as this machine numbers it; 0 before there is one."""
    done = subprocess.run(["docker", "inspect", "-f", "{{.State.Pid}}", name], env=clean_env(),
                          capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


class Session:
    """One session: a vendor CLI that is a victim. Use as a context manager or call run()."""

    def __init__(self, argv, space=None, options=(), policy=None, secrets=None, env=None,
                 stdin=subprocess.DEVNULL, launcher=True):
        self.space = space or workspace()
        self.argv = [str(word) for word in argv]
        self.options = [str(option) for option in options]
        self.policy = policy or os.environ.get("TEST_POLICY")
        self.secrets = secrets or {}
        self.env = env or {}
        self.stdin = stdin
        self.launcher = launcher
        self.process = None
        self.container = None
        self.root = 0  # its first process
        self.namespaces = set()

    def command_line(self, secret_fds):
        line = [*STARTER, str(LAUNCHER), "--engine", ENGINE, "--agent", "custom",
                "--workspace", str(self.space), "--build-dir", str(BUILD),
                "--cli-dir", str(VICTIMS)]
        if ENGINE == "docker":
            self.container = f"test-{os.getpid()}-{next(_numbers)}"
            line += ["--image", os.environ["TEST_IMAGE"], "--name", self.container]
        if self.policy:
            line += ["--policy", str(self.policy)]
        for name, fd in secret_fds.items():
            line += ["--secret-fd", f"{fd}={name}"]
        if "TEST_ENGINE_TRAP" in os.environ:
            line += ["--engine-trap", TRAP]
        return [*line, *self.options, "--", *self.argv]

    def start(self):
        fds = {name: pipe_with(value) for name, value in self.secrets.items()}
        self.process = subprocess.Popen(
            self.command_line(fds), stdin=self.stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", pass_fds=tuple(fds.values()),
            env=clean_env(**self.env))
        for fd in fds.values():
            os.close(fd)
        return self

    def finish(self, timeout=120):
        try:
            stdout, stderr = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.end()
            stdout, stderr = self.process.communicate()
            return Result("timeout", stdout, stderr)
        return Result(self.process.returncode, stdout, stderr)

    def run(self, timeout=120):
        return self.start().finish(timeout)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close_input(self):
        """Ends what the CLI reads."""
        self.process.stdin.close()
        self.process.stdin = None  # communicate() would flush it

    def end(self):
        """Kills all of it, by whatever is left."""
        everyone = {p.pid for p in self.processes() + self.survivors()}
        for pid in everyone | {self.process.pid}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # What the host sees of it.

    def processes(self):
        """Every live process of the session, as `Process`es, the outer one included."""
        found = tree_of(self.process.pid)
        if not self.container:
            return found
        self.root = self.root or container_root(self.container)
        return found + tree_of(self.root)

    def remember_namespaces(self):
        """Notes the pid namespaces in use, so that survivors can be found later."""
        own = os.stat("/proc/self/ns/pid").st_ino
        self.namespaces |= {p.pid_namespace() for p in self.processes()} - {own, None}
        return self.namespaces

    def survivors(self):
        """Processes in any namespace this session was seen to have. A zombie runs no more: it waits
        for whoever adopted it on the host."""
        return [p for p in all_processes()
                if p.state != "Z" and p.pid_namespace() in self.namespaces]

    def find(self, *, uid=None, comm=None, exe=None, argument=None):
        return [p for p in self.processes()
                if p.state != "Z" and (uid is None or p.uid == uid)
                and (comm is None or p.comm.startswith(comm[:15]))
                and (exe is None or p.exe().endswith(exe))
                and (argument is None or argument in p.cmdline())]

    def init(self):
        """PID 1 of the session: the first of its processes in a pid namespace of its own."""
        own = os.stat("/proc/self/ns/pid").st_ino
        for process in self.processes():
            if process.pid_namespace() not in (own, None) and process.inner_pid() == 1:
                return process
        return None

    def runner(self):
        """The runner: the only one that is named so."""
        found = self.find(comm="agent-task-runnerd", uid=0)
        return found[0] if found else None

    def spawner(self):
        found = self.find(comm="agent-sandbox", uid=0)
        return found[0] if found else None

    def ready(self, timeout=10, condition=None):
        """Waits until something is true of the session; False when that takes too long."""
        condition = condition or (lambda: self.runner() is not None)
        return wait_until(condition, timeout)


def wait_until(condition, timeout=10, step=0.01):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(step)
    return bool(condition())


class Process:
    """One process as /proc shows it; everything is read anew and may be gone."""

    def __init__(self, pid):
        self.pid = pid
        status = read(f"/proc/{pid}/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        self.comm = fields.get("Name", "")
        self.uid = int(fields.get("Uid", "-1").split()[0])
        self.state = fields.get("State", "X")[0]
        self.parent = int(fields.get("PPid", 0))
        self.numbers = [int(n) for n in fields.get("NSpid", "").split()]

    def inner_pid(self):
        return self.numbers[-1] if self.numbers else None

    def cmdline(self):
        return read(f"/proc/{self.pid}/cmdline").replace("\0", " ").strip()

    def exe(self):
        try:
            return os.readlink(f"/proc/{self.pid}/exe")
        except OSError:
            return ""

    def pid_namespace(self):
        return inode(f"/proc/{self.pid}/ns/pid")

    def fds(self):
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            return 0

    def mounts(self):
        return len(read(f"/proc/{self.pid}/mountinfo").splitlines())

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def __repr__(self):
        return f"{self.pid} {self.comm} uid={self.uid} {self.state} {self.cmdline()[:80]}"


def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def inode(path):
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def all_processes():
    return [p for p in (Process(int(n)) for n in os.listdir("/proc") if n.isdigit())
            if p.state != "X"]


def tree_of(root):
    """`root` and all its descendants."""
    everyone = all_processes()
    children = {}
    for process in everyone:
        children.setdefault(process.parent, []).append(process)
    found, waiting = [], [p for p in everyone if p.pid == root]
    while waiting:
        process = waiting.pop(0)
        found.append(process)
        waiting += children.get(process.pid, [])
    return found


def pipe_with(value):
    """The reading end of a pipe that holds `value`."""
    reader, writer = os.pipe()
    os.write(writer, value.encode())
    os.close(writer)
    return reader


def set_id_files(path):
    """Everything below `path` with a set-user-ID or set-group-ID bit."""
    found = []
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            full = os.path.join(folder, name)
            if os.lstat(full).st_mode & (stat.S_ISUID | stat.S_ISGID):
                found.append(full)
    return found


def escaped(text):
    """The uids under which mark_uid says it ran."""
    return set(re.findall(r"^ran as (\d+)$", text, re.MULTILINE))
