"""A command that is its own relay (docs/runner-protocol.md) and says that its caller has a terminal."""
import array
import os
import pty
import socket
import struct

MAGIC, START, HELLO = 0x41545231, 1, 0x48454C4F
MOST_FDS, CPU_WORDS, LIMITS = 250, 16, 16


def ask_for(argv):
    """The relay's socket of a new command."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end.connect("/run/agent-task-runner.sock")
    strings = b"".join(word.encode() + b"\0" for word in [*argv, "PATH=/usr/bin:/bin"])
    end.send(struct.pack("=IIQII", MAGIC, START, 0, len(argv), 1) + strings)
    _, fds, _, _ = socket.recv_fds(end, 1 << 16, 1)
    return socket.socket(fileno=fds[0])


def hello(relay, terminal):
    """Descriptors 0 to 2 and 9 are the terminal; somebody in the foreground called."""
    fds = array.array("i", [terminal] * 4)
    numbers = [0, 1, 2, 9] + [0] * (MOST_FDS - 4)
    unlimited = [2**64 - 1] * (2 * LIMITS)
    text = struct.pack(f"=IIIIQIiiIiii4x{CPU_WORDS}Q{2 * LIMITS}Q{MOST_FDS}i", HELLO, len(fds), 0, 0o22, 0, 0,
                       20, 9, 1, os.getpid(), os.getpgrp(), os.getsid(0), *[0] * CPU_WORDS, *unlimited, *numbers)
    relay.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])


master, slave = pty.openpty()
socket_of_relay = ask_for(["sh", "-c", "echo terminal $(tty)"])
hello(socket_of_relay, slave)
socket_of_relay.recv(64)
said = os.read(master, 1000).decode().split()
print("its own" if said == ["terminal", os.ttyname(slave)] else said, flush=True)
