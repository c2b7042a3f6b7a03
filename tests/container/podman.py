"""Sessions in containers of podman, root's or a user's own, for the tests beside this file."""

import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile

from engine import BUILD, IMAGE, Engine, check, finish, skip
from terminal import DETACH, Terminal, shell

PODMAN = "/usr/bin/podman"
USER = 501  # the workspace's owner


def configure(directory, prefix, environment):
    """Files that let podman run beside whatever podman the machine has, and within our own limits."""
    limits = [f'"{name}={hard}:{hard}"' for name, kind in
              (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
              for hard in [min(resource.getrlimit(kind)[1], 20000)]]
    (directory / "containers.conf").write_text(
        f'[containers]\nnetns = "none"\ndefault_ulimits = [{", ".join(limits)}]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    files = {"CONTAINERS_CONF": str(directory / "containers.conf"),
             "CONTAINERS_STORAGE_CONF": str(directory / "storage.conf")}
    for driver in "overlay", "vfs":  # vfs copies, and works on every filesystem
        (directory / "storage.conf").write_text(
            f'[storage]\ndriver = "{driver}"\ngraphroot = "{directory}/{driver}"\nrunroot = "{directory}/run"\n')
        info = subprocess.run([*prefix, PODMAN, "info"], env={**environment, **files}, capture_output=True,
                              check=False)
        if info.returncode == 0:
            break
    return files


class Podman(Engine):
    """Docker has made the image; the sessions are podman's. `prefix`: starts a program as its user."""

    def __init__(self, directory, prefix=(), **environment):
        super().__init__()
        self.prefix = prefix
        self.environment.update(environment)
        self.environment.update(configure(directory, prefix, self.environment))
        # A build may lie where only root may look.
        self.programs = directory / "programs"
        (self.programs / "channel").mkdir(parents=True)
        shutil.copy(BUILD / "channel/agent-session", self.programs / "channel")

    def take_image(self):
        with subprocess.Popen(["/usr/bin/docker", "save", IMAGE], env=self.environment,
                              stdout=subprocess.PIPE) as saved:
            subprocess.run([*self.prefix, PODMAN, "load", "--quiet"], env=self.environment, check=True,
                           stdin=saved.stdout, stdout=subprocess.DEVNULL)

    def can_run(self):
        """Not every machine lets podman start a container at all."""
        done = self.podman("run", "--rm", "--entrypoint", "/bin/true", IMAGE)
        if done.returncode != 0:
            skip(f"podman runs no container here: {done.stderr.strip()[-300:]}")

    def podman(self, *words):
        return subprocess.run([*self.prefix, PODMAN, *words], env=self.environment, capture_output=True,
                              text=True, check=False)

    def line(self, workspace, *command, options=()):
        words = super().line(workspace, *command, options=options)
        words[words.index("docker")] = "podman"
        words[words.index("--build-dir") + 1] = str(self.programs)
        return [*self.prefix, *words]

    def attach(self, name):
        return [*self.prefix, self.programs / "channel/agent-session", "attach", name]


def sessions(engine, space):
    done = engine.session(space, "id -un; touch by-command; cat; exit 3", input="typed\n")
    check("a session runs in it", (done.returncode, done.stdout) == (3, "agentuser\ntyped\n"), done)
    check("what it makes is the user's", (space / "by-command").stat().st_uid == USER)
    reader, writer = os.pipe()
    os.write(writer, b"canary-of-podman")
    os.close(writer)
    line = engine.line(space, "/bin/bash", "-c", "read -r key </run/agent-secrets/custom/key; echo $key; "
                       "cat /run/agent-secrets/custom/key", options=["--secret-fd", f"{reader}=key"])
    done = engine.run(line, pass_fds=[reader])
    os.close(reader)
    check("the CLI has its secret, a command has none", done.stdout == "canary-of-podman\n" and
          "No such file" in done.stderr, done)
    with engine.start(space, "trap 'echo got it; exit 4' TERM; echo up; "
                      "while :; do read -t 0.1 -u 9; done 9<>/dev/zero") as running:
        running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        out = running.communicate(timeout=30)[0]
    check("signals reach the CLI", (out, running.returncode) == ("got it\n", 4), (out, running.returncode))


def terminals(engine, space):
    with shell(engine, space, "pod") as term:
        term.say("PS1='rea''dy> '; tty; id -un\n")
        check("the CLI has a terminal", term.see("/dev/pts/0") and term.see("agentuser"), term.seen())
        term.see("ready> ")
        term.say(DETACH)
        check("it can be left", term.see("agent-session attach pod"), term.seen())
    with Terminal(engine, engine.attach("pod"), size=(30, 90)) as term:
        check("... and come back to", term.see("ready> "), term.seen())
        term.say("exit 6\n")
        check("the exit status is the CLI's", term.end() == 6, term.seen())


def run_tests(make, *more):
    """All of them, with what `make` makes in a directory; `more` are those of one kind of podman only."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="podman-test-", dir="/var/cache"))
    place.chmod(0o755)
    try:
        with make(place) as engine:
            engine.run_dir.chmod(0o755)
            engine.image()
            engine.take_image()
            engine.can_run()
            space = engine.workspace()
            for test in (sessions, terminals, *more):
                test(engine, space)
            left = engine.podman("ps", "-aq").stdout
            check("no container is left", left == "", left)
            engine.podman("system", "reset", "--force")
            engine.podman("system", "migrate")  # ends the process that holds a user's namespaces
    finally:
        shutil.rmtree(place, ignore_errors=True)
    finish()
