#!/usr/bin/env python3
"""A small stand-in for a vendor CLI: it holds a secret, runs commands and tells what came of them.

usage: cli.py [--work-only]   in the directory with the repository `origin`; JSON on stdout
--work-only: only the commands that are meant to succeed (the native run that is compared with).
"""

import json
import os
import re
import signal
import statistics
import sys
import time

from steps import SECRET_FILE, STEPS

PLAIN_EXECS = 60

# Tells who runs the command and in which namespaces, on descriptor 3, then becomes the command.
WITNESS = ('stat -c "%u %N" /proc/self/ns/pid >&3; stat -c "%u %N" /proc/self/ns/mnt >&3; '
           'exec 3>&-; exec "$@"')


def namespaces(text):
    return {kind: int(number) for kind, number in re.findall(r"\b(pid|mnt):\[(\d+)\]", text)}


def identity():
    """The CLI's own."""
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status", encoding="ascii"))
    links = " ".join(os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "mnt"))
    return {"uid": os.getuid(), "capabilities": int(status["CapEff"], 16),
            "no_new_privs": int(status["NoNewPrivs"]), "seccomp": int(status["Seccomp"]),
            "namespaces": namespaces(links)}


def start(command):
    """Starts a command with its output in a pipe and descriptor 3 in another."""
    output, output_end = os.pipe()
    told, told_end = os.pipe()
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
               (os.POSIX_SPAWN_DUP2, output_end, 1), (os.POSIX_SPAWN_DUP2, output_end, 2),
               (os.POSIX_SPAWN_DUP2, told_end, 3)]
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions, setsid=True)
    os.close(output_end)
    os.close(told_end)
    return child, output, told


def read_all(descriptor):
    with open(descriptor, encoding="utf-8", errors="replace") as source:
        return source.read()


def run(step, secret):
    """One command as an agent's tool call would run it."""
    def filled(text):
        return text.replace("{cli}", str(os.getpid())).replace("{secret}", secret)
    command = ["sh", "-c", step.command] if isinstance(step.command, str) else step.command
    command = [filled(argument) for argument in command]
    if not step.refused:
        command = ["sh", "-c", WITNESS, "sh", *command]
    begun = time.monotonic()
    child, output, told = start(command)
    text = read_all(output)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    elapsed = time.monotonic() - begun
    witness = read_all(told)
    uid = witness.split(" ", 1)[0]
    return {"status": status, "output": text, "ms": elapsed * 1000,
            "uid": int(uid) if uid else None, "namespaces": namespaces(witness)}


def start_neighbour():
    """A command that goes on beside the others, so that a namespace's number stays taken."""
    child, _, told = start(["sh", "-c", WITNESS, "sh", "sleep", "600"])
    return child, namespaces(read_all(told))


def plain_exec_ms():
    """The median time of the smallest command, without a witness."""
    times = []
    for _ in range(PLAIN_EXECS):
        begun = time.monotonic()
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        times.append(time.monotonic() - begun)
    return statistics.median(times) * 1000


def main():
    work_only = sys.argv[1:] == ["--work-only"]
    secret = "" if work_only else open(SECRET_FILE, encoding="ascii").read()
    steps = [step for step in STEPS if not (work_only and step.stopped_by)]
    neighbour, neighbours = start_neighbour()
    result = {"cli": identity(), "neighbour": neighbours,
              "steps": [run(step, secret) for step in steps], "plain_exec_ms": plain_exec_ms()}
    os.kill(neighbour, signal.SIGTERM)
    os.waitpid(neighbour, 0)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
