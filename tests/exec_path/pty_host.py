"""What vendor CLIs do with terminals of their own: makes one, runs a command on it, and tells what
it read and how the command ended. Usage: pty_host.py output|full|hang-up|many|crowd|size"""

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import time


def start(*argv, rows=33, columns=77):
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return pid, master


def read_all(master):
    out = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # EIO: every descriptor of the other side is closed
            return out
        if not part:
            return out
        out += part


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def output():
    pid, master = start("sh", "-c", "sleep 0.2; tty | cut -c1-9; stty size; echo error >&2; exit 3")
    print(read_all(master), ended(pid))
    pid, master = start("seq", "20000")
    text = read_all(master)
    print(len(text), text[-8:], ended(pid))
    # Typed, echoed, and the end of input.
    pid, master = start("cat")
    time.sleep(0.3)
    os.write(master, b"line\n\x04")
    print(read_all(master), ended(pid))


def full():
    """Nobody reads: the command blocks, and can be killed all the same."""
    pid, master = start("yes")
    time.sleep(0.5)
    os.kill(pid, signal.SIGTERM)
    print(ended(pid), os.read(master, 3))
    os.close(master)
    # As much as a terminal holds: the command ends although nobody has read yet.
    pid, master = start("seq", "2800")
    print(ended(pid), len(read_all(master)))
    # And more than that.
    pid, master = start("seq", "5000")
    time.sleep(0.5)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    print("ended", os.read(master, 3))
    os.close(master)
    pid, master = start("yes")
    time.sleep(0.5)
    os.kill(pid, signal.SIGKILL)
    print(ended(pid), os.read(master, 3))


def hang_up():
    """The CLI closes its side."""
    pid, master = start("sh", "-c", "trap 'echo hup >told; exit 0' HUP; echo on; while :; do sleep 0.1; done")
    print(os.read(master, 10))
    os.close(master)
    print(ended(pid), open("told").read())
    pid, master = start("cat")
    time.sleep(0.3)
    os.close(master)
    print(ended(pid) in (1, -1))  # by the end of its input, or by SIGHUP: whichever it meets first


def many():
    """Each terminal has a keeper."""
    children = [start("sh", "-c", f"read line; echo {n} $line") for n in range(80)]
    for _, master in children:
        os.write(master, b"x\n")
    for number, (pid, master) in enumerate(children):
        text = read_all(master)
        assert b"%d x" % number in text, text
        assert ended(pid) == 0
    print("all answered")


def crowd():
    """More commands on one terminal than a keeper takes."""
    pid, master = start("sh", "-c", "for i in $(seq 90); do sh -c 'sleep 1; echo done' & done; wait")
    print(read_all(master).count(b"done"), ended(pid))


def size():
    pid, master = start("sh", "-c", "trap 'stty size; exit 0' WINCH; echo on; while :; do sleep 0.1; done")
    os.read(master, 10)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 60, 0, 0))
    print(read_all(master), ended(pid))


if __name__ == "__main__":
    {"output": output, "full": full, "hang-up": hang_up, "many": many, "crowd": crowd,
     "size": size}[sys.argv[1]]()
