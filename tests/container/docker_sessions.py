#!/usr/bin/python3
"""run-agent --engine docker: stdio, statuses, signals, secrets, events, policies, whose files are."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from engine import BUILD, IMAGE, Engine, check, finish

CANARY = "canary-5c7e91b0aa"


def identities(engine, space):
    done = engine.session(space, "id -un; echo kept >by-cli; touch by-command; /bin/cat by-cli")
    check("commands run as agentuser and see the CLI's files", done.stdout == "agentuser\nkept\n", done)
    owners = {path.name: path.stat().st_uid for path in space.iterdir()}
    check("files of either are the user's", owners == {"by-cli": 501, "by-command": 501}, owners)
    private = engine.workspace("private", 501, 0o700)
    (private / ".git/hooks").mkdir(parents=True)
    for path in (private / ".git", private / ".git/hooks"):
        os.chown(path, 501, 501)
    done = engine.session(private, "touch file && touch .git/hooks/pre-commit; ls .git/hooks | wc -l")
    check("a workspace that only its owner may enter works, and its hooks stay",
          done.stdout == "0\n" and "pre-commit" in done.stderr and (private / "file").exists(), done)


def no_way_back(engine, _space):
    """Where ids cannot be mapped, access lists would do, but a container's root could not take them back."""
    space = engine.workspace("listed", 0, 0o700)
    done = engine.session(space, "touch file", "--hide", "workspace-idmap")
    check("a workspace that could not be given back is refused, with the way out", done.returncode == 125 and
          "CAP_CHOWN" in done.stderr and "put it on ext4" in done.stderr and done.stderr.count("\n") == 1, done)
    lists = subprocess.run(["getfacl", "-n", "-p", "-s", "-R", space], text=True, capture_output=True, check=True)
    check("... as it was", lists.stdout == "" and not list(space.iterdir()), lists.stdout)


def linked_worktree(engine, _space):
    """git in a linked worktree, whose repository is not in the workspace."""
    with tempfile.TemporaryDirectory(dir="/var/cache", prefix="linked-") as top:
        os.chmod(top, 0o755)
        repository, tree = pathlib.Path(top, "main"), pathlib.Path(top, "a tree")
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", repository]
        subprocess.run(["git", "init", "-q", repository], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
        subprocess.run([*git, "worktree", "add", "-q", tree, "-b", "topic"], check=True)
        for path in (repository, *repository.rglob("*"), tree, *tree.rglob("*")):
            os.chown(path, 501, 501, follow_symlinks=False)
        done = engine.session(tree, "git log --format=%s; git worktree prune -v --expire now; echo x >file; "
                              "git add file && git -c user.name=t -c user.email=t@t commit -qm second && "
                              "git status --short; pwd; touch ../../main/.git/hooks/pre-commit 2>&1 | wc -l")
        check("git works in a linked worktree", done.stdout.split("\n")[:2] == ["first", "/workspace"], done)
        log = subprocess.run([*git, "-c", "safe.directory=*", "log", "--format=%s", "topic"], text=True,
                             capture_output=True, check=False).stdout
        check("... and the user's repository has the commit", log == "second\nfirst\n", log)
        owners = {path.stat().st_uid for path in repository.rglob("*")}
        check("... all of it the user's", owners == {501}, owners)
        other = pathlib.Path(top, "other")
        shutil.copytree(tree, other)
        done = engine.run([*engine.line(other, "true")[:-2], "--dry-run", "--", "true"])
        check("a worktree that its repository does not know gets no repository",
              f"target={repository}" not in done.stdout and "target=/workspace" in done.stdout, done.stdout)


def stdio(engine, space):
    text = "through\n" * 5000
    done = engine.session(space, "/bin/cat; echo err >&2", input=text)
    check("stdin and stdout pass through a command", done.stdout == text, done.stdout[:200])
    check("stderr stays apart", done.stderr == "err\n", done.stderr)
    for status in (0, 7, 125, 255):
        done = engine.session(space, f"exit {status}")
        check(f"exit status {status}", done.returncode == status, done)
    done = engine.session(space, "kill -SEGV $$")
    check("ended by a signal: 128 and its number", done.returncode == 128 + signal.SIGSEGV, done)
    missing = engine.run(engine.line(space, "/nowhere/cli"))
    check("a CLI that is not there is named", missing.returncode == 127 and
          "'/nowhere/cli'" in missing.stderr, missing)


def signals(engine, space):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        name = number.name[3:]
        with engine.start(space, f"trap 'echo got {name}; exit 4' {name}; echo up; "
                          "while :; do read -t 0.1 -u 9; done 9<>/dev/zero") as running:
            running.stdout.readline()
            running.send_signal(number)
            out = running.communicate(timeout=30)[0]
        check(f"SIG{name} reaches the CLI", (out, running.returncode) == (f"got {name}\n", 4),
              (out, running.returncode))
    with engine.start(space, "sleep 1000 & echo up; wait", "--name", "stopped") as running:
        running.stdout.readline()
        begun = time.monotonic()
        engine.must("stop", "stopped")
        running.communicate(timeout=30)
        check("docker stop ends a session before it is killed", time.monotonic() - begun < 9 and
              running.returncode == 128 + signal.SIGTERM, running.returncode)


def secrets(engine, space):
    first, second = os.pipe(), os.pipe()
    for pipe, value in ((first, CANARY + "\n"), (second, "zero\0inside-" + CANARY)):
        os.write(pipe[1], value.encode())
        os.close(pipe[1])
    options = ["--name", "secret", "--secret-fd", f"{first[0]}=key", "--secret-fd", f"{second[0]}=raw"]
    script = ("cd /run/agent-secrets/custom; read -r key <key; echo $key; echo up; read -r line; "
              "echo $line; /bin/cat key")
    with subprocess.Popen(engine.line(space, "/bin/bash", "-c", script, options=options),
                          env=engine.environment, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          pass_fds=[first[0], second[0]]) as running:
        key = running.stdout.readline()
        running.stdout.readline()
        known = engine.must("inspect", "secret").stdout
        seen = [name for name in os.listdir("/proc") if name.isdigit() and holds(name)]
        status = engine.must("exec", "secret", "supervisorctl", "status").stdout
        out, err = running.communicate("typed\n", timeout=30)
    check("the CLI finds its secret", key == CANARY + "\n", key)
    check("stdin begins after the secrets", out == "typed\n", out)
    check("a command finds none", "No such file" in err, err)
    check("the engine knows nothing of it", CANARY not in known, known)
    check("no argument and no environment has it", not seen, seen)
    check("supervisorctl answers in the container", "agent-task-runnerd" in status and
          "RUNNING" in status, status)


def operators(engine, space):
    with engine.start(space, "echo up; read -r line", "--name", "watched") as running:
        running.stdout.readline()
        shown = json.loads(engine.must("exec", "watched", "supervisorctl", "status", "--json").stdout)
        wrong = engine.docker("exec", "--user", "1000", "watched", "supervisorctl", "status")
        running.communicate("\n", timeout=30)
    wanted = {"uid-split", "exec-trap", "pid-namespace", "mount-namespace", "no-new-privs", "bpf", "workspace-idmap"}
    found = shown["enforcement"]
    check("the protections that a session has locally are full in a container",
          all(found.get(name) == "full" for name in wanted), found)
    check("nobody but root is answered", wrong.returncode == 4 and wrong.stdout == "", wrong)


def holds(pid):
    for name in ("cmdline", "environ"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if CANARY.encode() in file.read():
                    return True
        except OSError:
            pass
    return False


def events(engine, space):
    log = engine.run_dir / "events.jsonl"
    done = engine.session(space, "id -un; exit 3", "--events", log, "--name", "logged")
    records = [json.loads(line) for line in log.read_text().splitlines()]
    session = next((r["data"]["session"] for r in records
                    if r["data"]["event"]["action"] == "session-start"), {})
    check("events are appended to the host's file, the engine among them", done.returncode == 3 and
          (session.get("engine"), session.get("name")) == ("docker", "logged"), session)
    check("the last one is the end", records[-1]["data"]["event"]["action"] == "session-end", records[-1])
    done = engine.session(space, "exit 0", "--events", engine.run_dir / "no/such")
    check("a file that cannot be made is named", done.returncode == 125 and "--events" in done.stderr and
          "no/such" in done.stderr, done)


def ordinary_user(engine, space):
    """Somebody who may use the engine and is not root."""
    os.chmod(engine.run_dir, 0o755)
    os.chmod(engine.run_dir / "docker.sock", 0o666)
    programs = pathlib.Path(tempfile.mkdtemp(prefix="programs-"))
    (programs / "channel").mkdir()
    shutil.copy(BUILD / "channel/agent-session", programs / "channel")
    for path in (programs, programs / "channel"):
        path.chmod(0o755)
    log = space / "own-events.jsonl"
    line = engine.line(space, "/bin/bash", "-c", "id -un; exit 3", options=["--events", log])
    line[line.index("--build-dir") + 1] = str(programs)
    done = engine.run(["setpriv", "--reuid=501", "--regid=501", "--clear-groups", *line])
    shutil.rmtree(programs)
    shutil.rmtree("/tmp/coding-agents-501", ignore_errors=True)
    check("no root is needed", (done.returncode, done.stdout) == (3, "agentuser\n"), done)
    check("... and the events are the caller's", log.stat().st_uid == 501 and
          '"session-end"' in log.read_text(), log)


def policies(engine, space):
    policy = engine.run_dir / "policy.json"
    policy.write_text(json.dumps({"extends": "default", "rules": [
        {"id": "no-id", "verdict": "deny", "match": {"path": ["**/id"]}, "reason": "a test"}]}))
    done = engine.session(space, "id; echo $?", "--policy", policy)
    check("a policy file decides", done.stdout == "126\n" and "no-id" in done.stderr, done)
    policy.chmod(0o600)
    done = engine.session(space, "id", "--policy", policy)
    check("one that the container cannot read is refused, with the remedy", done.returncode == 125 and
          "chmod a+r" in done.stderr, done)
    done = engine.session(space, "exit 0", "--policy", "strict")
    check("what the policy requires and is not there is named", done.returncode == 125 and
          "the policy requires apparmor" in done.stderr, done)


def lost_client(engine, space):
    with engine.start(space, "echo up; sleep 2; echo done >later; sleep 1000", "--name", "lost") as running:
        running.stdout.readline()
        running.kill()
        running.wait()
    deadline = time.monotonic() + 20
    while not (space / "later").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    check("a killed client leaves the session running", (space / "later").exists())
    check("... which docker stop ends", engine.docker("stop", "lost").returncode == 0)
    deadline = time.monotonic() + 20  # the engine removes it in its own time
    while (left := engine.docker("ps", "-aq").stdout) and time.monotonic() < deadline:
        time.sleep(0.1)
    check("no container is left", left == "", left)


with Engine() as ours:
    ours.image()
    print("image", ours.must("image", "inspect", "-f", "{{.Size}}", IMAGE).stdout.strip(), "bytes")
    identities(ours, ours.workspace("identities"))
    directory = ours.workspace()
    for test in (no_way_back, linked_worktree, stdio, signals, secrets, operators, events, ordinary_user, policies,
                 lost_client):
        test(ours, directory)
finish()
