"""A Docker engine of the tests' own, and our image in it, for the tests beside this file."""

import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
LAUNCHER = TOP / "scripts/launchers/run-agent"
BUILD = pathlib.Path(os.environ.get("BUILD_DIR", TOP / "build"))
STATE = pathlib.Path(os.environ.get("CODING_AGENTS_CACHE", "/var/cache/coding-agents-tests")) / "docker"
BASE = "debian:bookworm-slim"
IMAGE = "agent:test"

BRIDGE = "172.17.0.1"
CLONE_NEWNET = 0x40000000

failures = []


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def check(what, right, seen=""):
    if right:
        print("ok:", what, flush=True)
        return
    failures.append(what)
    print(f"FAILED: {what}\n  {seen}", flush=True)


def finish():
    print(f"{len(failures)} failed" if failures else "all as expected")
    sys.exit(1 if failures else 0)


class Engine:
    """dockerd with a socket and data of its own: whatever engine the machine has is left alone."""

    def __init__(self):
        if os.geteuid() != 0:
            skip("needs root")
        for program in ("dockerd", "docker", "mmdebstrap"):
            if not shutil.which(program, path="/usr/bin:/usr/sbin"):
                skip(f"{program} is not here: scripts/setup test")
        self.run_dir = pathlib.Path(tempfile.mkdtemp(prefix="docker-test-"))
        self.socket = f"unix://{self.run_dir}/docker.sock"
        self.environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8",
                            "DOCKER_HOST": self.socket, "HOME": str(self.run_dir), "DOCKER_BUILDKIT": "1"}

    def __enter__(self):
        STATE.mkdir(parents=True, exist_ok=True)
        self.lock = (STATE / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)  # one engine at a time has the data
        # Without a bridge and without rules: no network of this machine is touched.
        self.start_daemon("--bridge", "none")
        return self

    def start_daemon(self, *options):
        log = (self.run_dir / "dockerd.log").open("w")
        self.daemon = subprocess.Popen(
            ["/usr/sbin/dockerd", "-H", self.socket, "--data-root", STATE / "data", "--exec-root",
             self.run_dir / "exec", "--pidfile", self.run_dir / "pid", "--iptables=false",
             "--ip6tables=false", *options],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while self.docker("info").returncode != 0:
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                print((self.run_dir / "dockerd.log").read_text()[-2000:])
                self.__exit__()
                raise SystemExit("dockerd did not start")
            time.sleep(0.2)

    def stop_daemon(self):
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(60)

    def bridge(self):
        """Gives containers Docker's default network, and this process and the engine a network namespace
        of their own for it: nothing of it is seen on this machine, and nothing else can be reached.
        BRIDGE is the address that containers reach this process by."""
        self.stop_daemon()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise SystemExit(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        subprocess.run(["/usr/sbin/ip", "link", "set", "lo", "up"], check=True)
        self.start_daemon("--ip-masq=false", "--bip", f"{BRIDGE}/16")

    def __exit__(self, *_):
        self.stop_daemon()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def docker(self, *words, **how):
        how.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(["/usr/bin/docker", *map(str, words)], env=self.environment, text=True,
                              capture_output=True, check=False, **how)

    def must(self, *words):
        done = self.docker(*words)
        if done.returncode != 0:
            raise SystemExit(f"docker {' '.join(map(str, words))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def base(self):
        """Debian as its own tools make it; there may be no registry."""
        if self.docker("image", "inspect", BASE).returncode == 0:
            return
        tree = self.run_dir / "base.tar"
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", tree],
                       env={**os.environ, "PATH": self.environment["PATH"]}, check=True)
        self.must("import", tree, BASE)
        tree.unlink()

    def image(self, name=IMAGE, packages=""):
        """Our Dockerfile with the programs of this build; `docker_image` builds those in it, too."""
        self.base()
        context = self.run_dir / "context"
        (context / "libexec").mkdir(parents=True)
        (context / "scripts").mkdir()
        shutil.copy(TOP / "scripts/unpack-copilot", context / "scripts")
        for program in (BUILD / "init/agent-init", *(BUILD / "libexec").iterdir()):
            shutil.copy(program, context / "libexec")
        self.must("build", "--network", "host", "--build-arg", "PROGRAMS=prebuilt",
                  "--build-arg", f"PACKAGES={packages}", "-t", name, "-f", TOP / "Dockerfile", context)

    def line(self, workspace, *command, options=()):
        return [str(word) for word in (LAUNCHER, "--engine", "docker", "--image", IMAGE, "--build-dir", BUILD, "--workspace",
                                       workspace, *options, "--", *command)]

    def run(self, line, **how):
        if "input" not in how:
            how.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(line, env=self.environment, text=True, capture_output=True, timeout=60,
                              check=False, **how)

    def session(self, workspace, script, *options, **how):
        """One session whose CLI is a shell with this script."""
        return self.run(self.line(workspace, "/bin/bash", "-c", script, options=options), **how)

    def start(self, workspace, script, *options):
        return subprocess.Popen(self.line(workspace, "/bin/bash", "-c", script, options=options),
                                env=self.environment, text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def workspace(self, name="workspace", owner=501, mode=0o755):
        directory = self.run_dir / name
        directory.mkdir()
        os.chown(directory, owner, owner)
        directory.chmod(mode)
        return directory
