#!/usr/bin/python3
"""Runs rows one after the other and records what each printed and how it ended.

usage: row_runner.py ROWS RESULTS

ROWS is a JSON list of {id, argv, folder, environment, stdio, timeout}; RESULTS becomes a JSON object
of id -> {stdout, stderr, status}, the texts as Latin-1 so that every byte survives.

One program for all three legs of the comparison: in the native view, on the host (where argv is a
whole session) and as the vendor CLI of a session (where argv becomes a command).
"""

import json
import os
import selectors
import signal
import socket
import sys
import threading
import time

GRACE = 3.0  # seconds for background children to close the pipes after the program has ended


def feed(descriptor, name):
    """Writes a file's content into a pipe or socket and closes it, without blocking the runner."""
    with open(name, "rb") as file:
        content = file.read()

    def write():
        with open(descriptor, "wb") as stream:
            stream.write(content)
    threading.Thread(target=write, daemon=True).start()


def created(name, flags):
    """A file of the row's folder, opened for writing; as root it is given to the folder's owner."""
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, 0o644)
    if os.geteuid() == 0:
        owner = os.stat(".")
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


class Streams:
    """The program's descriptors 0 to 2 (None: closed) and the pipe ends on which we read."""

    def __init__(self, stdio):
        self.readers = {}
        self.child = [self.open_input(stdio.get("stdin", "null"))]
        for name in ("stdout", "stderr"):
            self.child.append(self.open_output(name, stdio.get(name, "captured")))

    def open_input(self, wish):
        kind, _, name = wish.partition(":")
        if kind == "closed":
            return None
        if kind == "null":
            return os.open("/dev/null", os.O_RDONLY)
        if kind == "file":
            return os.open(name, os.O_RDONLY)
        if kind == "pipe":
            reader, writer = os.pipe()
            feed(writer, name)
            return reader
        if kind == "socket":
            ours, theirs = socket.socketpair()
            feed(ours.detach(), name)
            return theirs.detach()
        raise ValueError(wish)

    def open_output(self, stream, wish):
        kind, _, name = wish.partition(":")
        if kind == "closed":
            return None
        if kind == "captured":
            reader, writer = os.pipe()
            self.readers[reader] = stream
            return writer
        if kind == "full":
            return os.open("/dev/full", os.O_WRONLY)
        if kind == "file":
            return created(name, os.O_TRUNC)
        if kind == "append":
            return created(name, os.O_APPEND)
        if kind == "stdout":
            return os.dup(self.child[1])
        raise ValueError(wish)

    def install(self):
        """In the child: exactly the wanted descriptors at 0, 1 and 2."""
        high = [None if fd is None else os.dup2(fd, 900 + at) for at, fd in enumerate(self.child)]
        for at, fd in enumerate(high):
            if fd is None:
                try:
                    os.close(at)
                except OSError:
                    pass
            else:
                os.dup2(fd, at)
        os.closerange(3, 1000)

    def close_child_side(self):
        for fd in self.child:
            if fd is not None:
                os.close(fd)


def start(row, streams):
    """Forks and executes the row's program in a session of its own."""
    child = os.fork()
    if child != 0:
        return child
    try:
        os.setsid()
        streams.install()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these two
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(row["argv"][0], row["argv"], row["environment"])
    except OSError as error:
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def describe(status):
    if os.WIFSIGNALED(status):
        return f"killed by {os.WTERMSIG(status)}" + (", core" if os.WCOREDUMP(status) else "")
    return f"exited {os.WEXITSTATUS(status)}"


def watch(child, streams, timeout):
    """Reads the output until it ends (or GRACE after the program has); returns texts and status."""
    texts = {"stdout": b"", "stderr": b""}
    pidfd = os.pidfd_open(child)
    selector = selectors.DefaultSelector()
    selector.register(pidfd, selectors.EVENT_READ)
    for reader in streams.readers:
        selector.register(reader, selectors.EVENT_READ)
    deadline = time.monotonic() + timeout
    status = None
    while selector.get_map() and time.monotonic() < deadline:
        for key, _ in selector.select(max(0, deadline - time.monotonic())):
            if key.fd == pidfd:
                status = describe(os.waitpid(child, 0)[1])
                deadline = min(deadline, time.monotonic() + GRACE)
                selector.unregister(pidfd)
                continue
            chunk = os.read(key.fd, 65536)
            texts[streams.readers[key.fd]] += chunk
            if not chunk:
                selector.unregister(key.fd)
    os.close(pidfd)
    return texts, status


def kill_group(child):
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def run(row):
    started = time.monotonic()
    os.chdir(row["folder"])
    streams = Streams(row["stdio"])
    child = start(row, streams)
    streams.close_child_side()
    texts, status = watch(child, streams, row["timeout"])
    kill_group(child)
    if status is None:
        os.waitpid(child, 0)
        status = f"still running after {row['timeout']} s"
    for reader in streams.readers:
        os.close(reader)
    result = {name: text.decode("latin-1") for name, text in texts.items()}
    return dict(result, status=status, seconds=time.monotonic() - started)


def main():
    rows_file, results_file = sys.argv[1:]
    results_file = os.path.abspath(results_file)
    with open(rows_file) as file:
        rows = json.load(file)
    results = {row["id"]: run(row) for row in rows}
    with open(results_file, "w") as file:
        json.dump(results, file)


if __name__ == "__main__":
    main()
