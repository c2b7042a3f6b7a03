#!/usr/bin/env python3
"""Engine trace: what the CLI's own processes are to each other is what they are without a tracer,
an engine that cannot be had is said, and the next one is taken."""

import ctypes
import os
import struct
import subprocess

from harness import ENGINE, Checks, Session, clean_env, native, need_root, victim, workspace

PYTHON = "/usr/bin/python3"

# Children that never execute anything stay traced for their whole life.
FAMILY = r"""
import os, signal, threading, time

def child(body):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        os._exit(body() or 0)
    return pid

def say(what, outcome):
    print(f"{what}\t{outcome}", flush=True)

def end_of(pid, options=0):
    status = os.waitpid(pid, options)[1]
    if os.WIFSTOPPED(status):
        return f"stopped {os.WSTOPSIG(status)}"
    if os.WIFCONTINUED(status):
        return "continued"
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {status >> 8}"

for code in (0, 1, 127, 255):
    say(f"exit {code}", end_of(child(lambda: code)))
for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGTRAP, signal.SIGUSR1):
    say(f"death by {number}", end_of(child(lambda: os.kill(os.getpid(), number))))

for stop in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN):
    sleeper = child(lambda: time.sleep(20))
    os.setpgid(sleeper, sleeper)  # in an orphaned group, which ours may be, it would not stop
    os.kill(sleeper, stop)
    say(f"{stop}: stops", end_of(sleeper, os.WUNTRACED))
    state = open(f"/proc/{sleeper}/stat").read().rsplit(")", 1)[1].split()[0]
    say(f"{stop}: state", state.upper())
    time.sleep(0.05)
    say(f"{stop}: stays", os.waitpid(sleeper, os.WNOHANG | os.WCONTINUED)[0])
    os.kill(sleeper, signal.SIGCONT)
    say(f"{stop}: goes on", end_of(sleeper, os.WCONTINUED))
    os.kill(sleeper, stop)
    say(f"{stop}: stops again", end_of(sleeper, os.WUNTRACED))
    os.kill(sleeper, signal.SIGKILL)
    say(f"{stop}: ends", end_of(sleeper))

# A signal's origin, and a value that travels with it.
info = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGCHLD})
pid = child(lambda: os.kill(os.getppid(), signal.SIGUSR2))
got = signal.sigwaitinfo({signal.SIGUSR2})
say("origin of a signal", (got.si_code, got.si_pid == pid))
end_of(pid)
signal.sigwaitinfo({signal.SIGCHLD})
pid = child(lambda: 3)
got = signal.sigwaitinfo({signal.SIGCHLD})
say("SIGCHLD", (got.si_code, got.si_pid == pid, got.si_status))
say("and no other", signal.sigtimedwait({signal.SIGCHLD}, 0.1))
end_of(pid)

# Interrupted calls, threads, a pidfd, a parent that goes first.
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
begin = time.monotonic()
while time.monotonic() - begin < 0.3:
    time.sleep(0.05)
signal.setitimer(signal.ITIMER_REAL, 0)
say("a timer's signals arrive", len(seen) > 5)
threads = [threading.Thread(target=lambda: seen.append(2)) for _ in range(200)]
for thread in threads: thread.start()
for thread in threads: thread.join()
say("threads", seen.count(2))
pid = child(lambda: 9)
os.waitid(os.P_PIDFD, os.pidfd_open(pid), os.WEXITED | os.WNOWAIT)
say("pidfd", end_of(pid))
reader, writer = os.pipe()
def leave_orphan():
    middle = os.getpid()
    def orphan():
        while os.getppid() == middle: time.sleep(0.001)
        os.write(writer, b"orphan")
    child(orphan)
end_of(child(leave_orphan))
say("orphan", os.read(reader, 10))

"""


def family(checks):
    script = workspace() / "family.py"
    script.write_text(FAMILY)
    script.chmod(0o644)
    plain = native([PYTHON, script], cwd=script.parent)
    script.parent.chmod(0o755)
    session = Session([PYTHON, f"/workspace/{script.name}"], space=script.parent).run(60)
    checks.check("control: natively all was tried", plain.status == 0 and "orphan" in plain.stdout,
                 str(plain))
    checks.equal("a family of the CLI: its status", session.status, 0)
    natively, traced = plain.facts(), session.facts()
    for what, outcome in natively.items():
        checks.equal(f"a family of the CLI: {what}", traced.get(what), outcome)


def without_listeners():
    """A filter of somebody else's: who asks for a listener under it gets EBUSY."""
    def word(code, value, then=0, otherwise=0):
        return struct.pack("HBBI", code, then, otherwise, value)
    load, equals, has, give = 0x20, 0x15, 0x45, 0x06
    number, flags = 0, 24
    program = (word(load, number) + word(equals, 317, 0, 3) + word(load, flags) +
               word(has, 8, 0, 1) + word(give, 0x00050010) + word(give, 0x7fff0000))
    buffer = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(317, 1, 0, header) != 0:
        raise OSError(ctypes.get_errno(), "install a filter")


def run(*options, before=None):
    session = Session([victim("as_command"), "/usr/bin/id", "-u"], options=options)
    done = subprocess.run(session.command_line({}), env=clean_env(), text=True, check=False,
                          capture_output=True, timeout=30, stdin=subprocess.DEVNULL, preexec_fn=before)
    return done.returncode, done.stdout, done.stderr


def chosen(checks):
    checks.equal("no listener: the session works", run(before=without_listeners)[:2], (0, "1000\n"))
    status, _, words = run("--verbose", before=without_listeners)
    checks.check("no listener: said with --verbose",
                 "the exec trap's engine notify does not work here: install a seccomp filter: "
                 "EBUSY" in words, words)
    status, _, words = run("--engine-trap", "notify", before=without_listeners)
    checks.equal("no listener, notify asked for: the status", status, 125)
    checks.check("no listener, notify asked for: one line says it",
                 words.startswith("agent-init: --engine-trap notify does not work here: ") and
                 words.count("\n") == 1, words)


def off(checks):
    status, _, words = run("--engine-trap", "off")
    checks.check("off: the policy refuses", status == 125 and "requires exec-trap" in words and
                 "(--engine-trap off was given)" in words, words)


def main():
    need_root()
    checks = Checks()
    family(checks)
    os.environ.pop("TEST_ENGINE_TRAP")
    if ENGINE == "local":  # in a container the engine's profile decides: container/docker_profile
        chosen(checks)
    off(checks)
    checks.finish()


main()
