#!/usr/bin/env python3
"""Without CAP_SYS_PTRACE the CLI is traced as its own user may: it works, what cannot is said, and
nothing of the runner comes into the CLI's reach."""

import os
import pathlib
import shutil
import tempfile

from harness import STARTER, VICTIMS, Checks, Session, count, need_root, victim, workspace

PYTHON = "/usr/bin/python3"
SYS_PTRACE = 1 << 19
CORES = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
YAMA = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")

# Not dumpable is what the kernel would let no tracer of ours look into.
HARDENED = r"""
import ctypes, os, subprocess
prctl = ctypes.CDLL(None).prctl
PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4
print("set", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
print("is", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
print("set 1", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
print("set 7", prctl(PR_SET_DUMPABLE, 7, 0, 0, 0))
print(subprocess.run(["/usr/bin/id", "-u"], capture_output=True, text=True).stdout.strip())
"""

# Ends all that agentcli may end while workers have its real uid, a moment in each exec. (A runner
# that gets SIGTERM ends; with a tracer the CLI goes with it.)
KILLER = r"""
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
killer = os.fork()
if killer == 0:
    while os.getppid() != 1: os.kill(-1, signal.SIGTERM)
    os._exit(0)
right = sum(subprocess.run(["/usr/bin/id", "-u"], capture_output=True, text=True).stdout == "1000\n"
            for _ in range(int(sys.argv[1])))
os.kill(killer, signal.SIGKILL)
os.waitpid(killer, 0)
print("right", right)
"""


# Crashes with a secret in its memory, where commands can read its core.
CRASHES = r"""
import glob, os, pathlib, resource, sys
os.chdir(sys.argv[1])
resource.setrlimit(resource.RLIMIT_CORE, [resource.getrlimit(resource.RLIMIT_CORE)[1]] * 2)
secret = b"".join([b"not to be", b" found by commands, ", b"x" * 5000])
if os.fork() == 0:
    if len(sys.argv) > 2: pathlib.Path("/proc/self/coredump_filter").write_text(sys.argv[2])
    os.abort()
os.wait()
print("filter\t%d" % int(pathlib.Path("/proc/self/coredump_filter").read_text(), 16))
for path in glob.glob("core*"):
    print("core", secret[:20] in pathlib.Path(path).read_bytes())
    os.unlink(path)
"""


def engines():
    yama = int(YAMA.read_text()) if YAMA.exists() else 0
    return [engine for engine, most in (("notify", 0), ("trace", 1)) if yama <= most]


def script(space_of, text):
    path = space_of.space / "script.py"
    path.write_text(text)
    path.chmod(0o644)
    return path


def capabilities(process):
    lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return [int(line.split()[1], 16) for line in lines if line.startswith(("CapPrm", "CapEff", "CapBnd"))]


def is_without(checks, engine):
    session = Session([victim("as_command"), "/bin/sleep", "20"], options=("--engine-trap", engine))
    with session:
        running = session.ready(condition=lambda: session.find(comm="sleep", uid=1000))
        if not checks.check(f"{engine}: a command runs", running):
            return
        runner = session.runner()
        checks.check(f"{engine}: the runner has no CAP_SYS_PTRACE",
                     not any(word & SYS_PTRACE for word in capabilities(runner)), str(runner))
        uids = {line.split("\t", 1)[1]
                for task in pathlib.Path(f"/proc/{runner.pid}/task").iterdir()
                for line in (task / "status").read_text().splitlines() if line.startswith("Uid:")}
        checks.check(f"{engine}: its threads' real uid is root's again",
                     all(line.split()[0] == "0" for line in uids), str(uids))
        session.end()


def run_script(text, engine, *arguments):
    session = Session([PYTHON, "/workspace/script.py", *arguments],
                      options=("--engine-trap", engine))
    script(session, text)
    return session.run(60)


def unreadable(checks, engine):
    with tempfile.TemporaryDirectory(prefix="victims-") as directory:
        os.chmod(directory, 0o755)
        program = pathlib.Path(directory) / "as_command"
        shutil.copy(VICTIMS / "as_command", program)
        program.chmod(0o711)
        options = ("--engine-trap", engine, "--cli-dir", directory)
        refused = Session([program, "/usr/bin/id", "-u"], options=options).run()
        checks.check(f"{engine}: a program that the CLI cannot read is refused in one line",
                     refused.status == 125 and refused.stderr.count("\n") == 1 and
                     f"execute '{program}' as agentcli, who cannot read it" in refused.stderr and
                     "chmod a+r it, or grant the capability" in refused.stderr, str(refused))
        starter = STARTER[:]
        STARTER.clear()
        granted = Session([program, "/usr/bin/id", "-u"], options=options).run()
        STARTER.extend(starter)
        checks.equal(f"{engine}: with the capability it runs", (granted.status, granted.stdout),
                     (0, "1000\n"))


def cores(checks, engine):
    done = run_script(CRASHES, engine, "/workspace")
    checks.equal(f"{engine}: no memory of the CLI is meant for cores", done.number("filter"), 0)
    checks.check(f"{engine}: and none is in one", "core True" not in done.stdout, done)
    if CORES == "core":
        checks.check(f"{engine}: there is a core", "core False" in done.stdout, done)
        full = run_script(CRASHES, engine, "/workspace", "0x33")
        checks.check(f"{engine}: control: another core has it", "core True" in full.stdout, full)


def explicit_route(checks):
    """Whoever asks is looked at as its own user: a command, and where nothing is trapped the CLI."""
    words = ["/libexec/agent-task-run", "--", "/usr/bin/id", "-u"]
    done = Session([victim("as_command"), *words]).run()
    checks.equal("agent-task-run of a command", (done.status, done.stdout), (0, "1000\n"))
    space = workspace()
    undemanding = space / "policy.json"
    undemanding.write_text('{"extends": "default", "require": {"exec-trap": "none", "landlock": "none"}}')
    done = Session(["/bin/bash", "-c", " ".join(words) + "; id -u"], policy=undemanding,
                   options=("--engine-trap", "off")).run()
    checks.equal("agent-task-run of the CLI", (done.status, done.stdout), (0, "1000\n1001\n"))


def main():
    need_root()
    os.environ.pop("TEST_ENGINE_TRAP", None)
    STARTER[:] = ["/usr/bin/setpriv", "--bounding-set=-sys_ptrace"]
    checks = Checks()
    chosen = Session([victim("as_command"), "/usr/bin/id", "-u"]).run()
    checks.equal("an engine is found", (chosen.status, chosen.stdout), (0, "1000\n"))
    explicit_route(checks)
    for engine in engines():
        is_without(checks, engine)
        hardened = run_script(HARDENED, engine)
        checks.equal(f"{engine}: a CLI that will not be dumpable is told so, and executes",
                     hardened.stdout.split("\n"),
                     ["set 0", "is 1", "set 1 0", "set 7 -1", "1000", ""])
        wanted = count(500)
        killer = run_script(KILLER, engine, wanted)
        checks.equal(f"{engine}: who ends all that agentcli may end ends no tracer", killer.stdout,
                     f"right {wanted}\n")
        unreadable(checks, engine)
        cores(checks, engine)
    checks.finish()


main()
