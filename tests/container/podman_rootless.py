#!/usr/bin/python3
"""run-agent --engine podman by a user without any right of root's: the container's root is the user."""

import os
import pathlib
import signal
import subprocess
import sys
import time

from engine import check, skip
from podman import PODMAN, USER, Podman, run_tests

NAME = "somebody"
AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
# What the user has in files of this machine, seen by this test alone.
ACCOUNT = {"/etc/passwd": f"{NAME}:x:{USER}:{USER}::/nonexistent:/bin/bash\n", "/etc/group": f"{NAME}:x:{USER}:\n",
           "/etc/subuid": f"{NAME}:1000000:65536\n", "/etc/subgid": f"{NAME}:1000000:65536\n"}


def own_mounts():
    if os.environ.get("IN_OWN_MOUNTS") != "1":
        os.environ["IN_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "slave", sys.executable, __file__])


def give_account(place):
    for path, line in ACCOUNT.items():
        if not os.path.exists(path):
            skip(f"{path} is not here: scripts/setup test")
        text = "" if "sub" in path else pathlib.Path(path).read_text()
        file = place / pathlib.Path(path).name
        file.write_text(text + line)
        file.chmod(0o644)
        subprocess.run(["mount", "--bind", file, path], check=True)


def rootless(place):
    give_account(place)
    for name in ("home", "runtime"):
        (place / name).mkdir(mode=0o700)
    for path in (place, place / "home", place / "runtime"):
        os.chown(path, USER, USER)
    return Podman(place, AS_USER, HOME=str(place / "home"), XDG_RUNTIME_DIR=str(place / "runtime"))


def owners(space):
    return {path.lstat().st_uid for path in [space, *space.rglob("*")]}


def lists(space):
    return subprocess.run(["getfacl", "-R", "-n", "-p", "-s", space], capture_output=True, text=True,
                          check=True).stdout


def whose_files(engine, space):
    """Ids cannot be mapped on a mount there: access lists stand in, and all is given back at the end."""
    mine = space / "mine"
    mine.write_text("my own\n")
    mine.chmod(0o600)
    os.chown(mine, USER, USER)
    done = engine.session(space, "cat mine; mkdir -m 700 made; touch made/by-command; echo x >by-cli; "
                          "/bin/cat by-cli; chmod 0 made; exit 3")
    check("the CLI and its commands share the user's files", (done.returncode, done.stdout, done.stderr) ==
          (3, "my own\nx\n", ""), done)
    check("all of it is the user's afterwards", owners(space) == {USER} and
          (space / "made/by-command").exists(), owners(space))
    check("no access list is left", lists(space) == "", lists(space))
    check("a private file stays private", mine.stat().st_mode & 0o777 == 0o600, oct(mine.stat().st_mode))


def rights(engine, space):
    """Those that run-agent grants for it are needed, and are no process's of the session."""
    line = engine.run([*engine.line(space, "true")[:-2], "--dry-run", "--", "/bin/bash", "-c", "touch x; exit 3"]).stdout
    words = subprocess.run(["bash", "-c", f'printf "%s\n" {line}'], text=True, capture_output=True,
                           check=True).stdout.splitlines()
    words = [word for word in words[words.index("podman") + 1:] if word not in ("--channel", "streams")]
    for right in ("CHOWN", "FOWNER", "DAC_OVERRIDE"):
        at = words.index(right)
        done = engine.podman(*words[:at - 1], *words[at + 1:])
        check(f"without {right} no session starts, and one line says why", done.returncode == 125 and
              "could not give back" in done.stderr and done.stderr.count("agent-init: ") == 1, done)
    check("... and the workspace is as it was", lists(space) == "" and owners(space) == {USER}, lists(space))
    # What `podman exec` starts has the container's own.
    keeper = ("import glob; print([line.split()[1] for f in glob.glob('/proc/[0-9]*/status') for line in open(f) "
              "if line.startswith(('CapPrm', 'CapEff', 'CapBnd')) and 'agent-handback' in open(f).read()])")
    script = ("import glob, os; print({line.split()[1] for f in glob.glob('/proc/[0-9]*/status') for line in open(f) "
              "if line.startswith('CapEff') and f'/{os.getpid()}/' not in f and 'agent-handback' not in open(f).read()})")
    with engine.start(space, "echo up; read -r line", "--name", "rights") as running:
        running.stdout.readline()
        done = engine.podman("exec", "rights", "/usr/bin/python3", "-c", script)
        kept = engine.podman("exec", "rights", "/usr/bin/python3", "-c", keeper)
        running.communicate("\n", timeout=30)
    effective = {int(word, 16) for word in done.stdout.strip("{}\n").replace("'", "").split(", ") if word}
    check("no process of a session has them", effective and not any(caps & 0b1011 for caps in effective), done)
    check("the process that gives the files back has nothing else", kept.stdout == f"{['%016x' % 0b1011] * 3}\n", kept)


def has_list(path):
    return "system.posix_acl_access" in os.listxattr(path)


def process_named(name):
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name:
                return int(path.parent.name)
        except OSError:
            pass
    raise SystemExit(f"there is no process {name}")


def slow_end(engine, _space):
    """A session that made so many files that giving them back takes long; held up in the midst of it."""
    space = engine.workspace("many", USER)
    script = "python3 -c 'for n in range(100000): open(str(n), \"x\").close()'; echo made; exit 3"
    with engine.start(space, script, "--name", "many") as running:
        running.stdout.readline()
        while has_list(space):  # the walk begins with it
            time.sleep(0.01)
        os.kill(process_named("agent-handback"), signal.SIGSTOP)
        for _ in range(2):
            engine.podman("kill", "--signal", "TERM", "many")
            time.sleep(1.1)
        status = running.wait(60)
        err = running.stderr.read()
    check("a signal meanwhile is answered", "its workspace is being given back" in err, err)
    check("... and a second one ends it", status == 3 and "not all of the workspace was handed back: SIGKILL" in err,
          (status, err))
    check("the rest is not the user's yet", owners(space) != {USER})
    done = engine.session(space, "exit 4")
    check("the end of the next session gives it back", done.returncode == 4 and owners(space) == {USER}, done)


def anothers(engine, _space):
    space = engine.workspace("anothers", 502, 0o777)
    done = engine.session(space, "true")
    check("a workspace of somebody else's is refused, with the way out", done.returncode == 125 and
          "use a directory of your own" in done.stderr, done)


own_mounts()
for program in (PODMAN, "/usr/sbin/runc", "/usr/bin/newuidmap"):
    if not os.path.exists(program):
        skip(f"{program} is not here: scripts/setup test")
run_tests(rootless, whose_files, rights, slow_end, anothers)
