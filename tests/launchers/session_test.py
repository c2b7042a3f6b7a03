#!/usr/bin/python3
"""Whole sessions through run-agent: odd paths, odd descriptors, secrets, statuses, the way by sudo.

Usage: session_test.py BUILD
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
LAUNCHER = TOP / "scripts/launchers/run-agent"
CANARY = "canary-4f1b9c7e2d"
BUILD = pathlib.Path(sys.argv[1])
FAKE_ID = '#!/bin/sh\n[ "$1" != -u ] || [ -n "$BY_SUDO" ] || { echo 1000; exit; }\nexec /usr/bin/id "$@"\n'
# As sudo does: a fresh environment, and every descriptor from 3 on closed.
FAKE_SUDO = ('#!/usr/bin/python3\nimport os, sys\nos.closerange(3, 4096)\n'
             'os.execve(sys.argv[2], sys.argv[2:], {"PATH": os.environ["PATH"], "BY_SUDO": "1"})\n')


def command(workspace, *words, options=()):
    return [str(LAUNCHER), "--build-dir", str(BUILD), "--workspace", str(workspace), *options, "--", *words]


def run(workspace, script, options=(), **how):
    """One session whose CLI is a shell with this script."""
    how.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(command(workspace, "/bin/sh", "-c", script, options=options), text=True,
                          capture_output=True, timeout=60, check=False, **how)


def secret_pipe():
    """A descriptor to read the canary from."""
    read_end, write_end = os.pipe()
    os.write(write_end, CANARY.encode())
    os.close(write_end)
    return read_end


def a_workspace_with_a_space_works(workspace):
    done = run(workspace, 'pwd; printf "%s" "$1" >"new file"; /bin/cat "new file"', ["--cwd", "a b"])
    return done.returncode == 0 and done.stdout.startswith("/workspace/a b\n") and \
        (workspace / "a b/new file").exists(), done


def a_closed_stdin_stays_closed(workspace):
    words = command(workspace, "/bin/sh", "-c", "[ -e /proc/self/fd/0 ] && echo open || echo closed")
    done = subprocess.run(["/bin/sh", "-c", 'exec "$@" <&-', "sh", *words], text=True,
                          capture_output=True, timeout=60, check=False)
    return done.stdout == "closed\n" and done.returncode == 0, done


def stdin_is_the_callers(workspace):
    done = subprocess.run(command(workspace, "/bin/cat"), input="from the caller", text=True,
                          capture_output=True, timeout=60, check=False)
    return done.stdout == "from the caller", done


def other_descriptors_do_not_reach_the_cli(workspace):
    done = run(workspace, "for n in 3 4 5 6 7 8 9; do [ ! -e /proc/self/fd/$n ] || echo $n; done",
               pass_fds=[os.dup2(2, 7)])
    return done.returncode == 0 and done.stdout == "", done


def a_secret_reaches_the_cli_and_no_command(workspace):
    fd = secret_pipe()
    path = "/run/agent-secrets/custom/key"
    done = run(workspace, f"read -r key <{path}; echo $key; /bin/cat {path}", [f"--secret-fd={fd}=key"],
               pass_fds=[fd])
    os.close(fd)
    return done.stdout == f"{CANARY}\n" and "No such file" in done.stderr and done.returncode != 0, done


def a_secret_is_in_no_argv_and_no_environment(workspace):
    fd = secret_pipe()
    with subprocess.Popen(command(workspace, "/bin/sh", "-c", "echo up; read -r line", options=[
            f"--secret-fd={fd}=key"]), pass_fds=[fd], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True) as session:
        up, found, seen = session.stdout.readline(), [], 0
        for name in ("cmdline", "environ"):
            for file in pathlib.Path("/proc").glob(f"[0-9]*/{name}"):
                try:
                    found += [str(file)] if CANARY.encode() in file.read_bytes() else []
                    seen += 1
                except OSError:
                    continue
        session.stdin.close()
        session.wait(timeout=30)
    os.close(fd)
    return up == "up\n" and not found and seen > 10, found


def the_status_is_the_clis(workspace):
    wanted = {"exit 0": 0, "exit 7": 7, "exit 255": 255, "kill -TERM $$": 143, "kill -KILL $$": 137}
    got = {script: run(workspace, script).returncode for script in wanted}
    return got == wanted, got


def what_cannot_start_is_125_and_one_line(workspace):
    done = subprocess.run(command(workspace, "/no/such/program"), text=True, capture_output=True,
                          timeout=60, check=False)
    return done.returncode in (125, 127) and len(done.stderr.splitlines()) == 1, done


def sudo_keeps_the_secret(workspace):
    programs = workspace.parent / "bin"
    programs.mkdir()
    for name, text in {"id": FAKE_ID, "sudo": FAKE_SUDO}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    fd = secret_pipe()
    environment = {"PATH": f"{programs}:/usr/bin:/bin"}
    before = time.monotonic()
    done = run(workspace, "read -r key </run/agent-secrets/custom/key; echo $key",
               [f"--secret-fd={fd}=key"], pass_fds=[fd], env=environment)
    os.close(fd)
    return done.stdout == f"{CANARY}\n" and time.monotonic() - before < 50, done


def main():
    wrong = []
    tests = [a_workspace_with_a_space_works, a_closed_stdin_stays_closed, stdin_is_the_callers,
             other_descriptors_do_not_reach_the_cli, a_secret_reaches_the_cli_and_no_command,
             a_secret_is_in_no_argv_and_no_environment, the_status_is_the_clis,
             what_cannot_start_is_125_and_one_line, sudo_keeps_the_secret]
    for test in tests:
        with tempfile.TemporaryDirectory() as directory:
            workspace = pathlib.Path(directory) / "work space"
            (workspace / "a b").mkdir(parents=True)
            for path in (pathlib.Path(directory), workspace, workspace / "a b"):
                path.chmod(0o755)
                os.chown(path, 1000, 1000)
            good, seen = test(workspace)
        print("ok" if good else "FAILED", test.__name__.replace("_", " "))
        if not good:
            wrong.append(f"{test.__name__}: {seen}")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIP: needs root")
        sys.exit(77)
    sys.exit(main())
