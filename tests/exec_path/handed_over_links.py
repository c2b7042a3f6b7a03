#!/usr/bin/env python3
"""Links in a directory that the CLI hands over: the CLI may start its own program by one, as Codex
starts its sandbox. What such a link names is looked up where commands are, whoever made it and
however it changes, so it opens nothing that is the CLI's own."""

import harness

checks = harness.Checks()

FOLDER = "/home/agentuser/.codex/tmp/arg0-linux"
PRIVATE = "/home/agentuser/.codex"

# The CLI: makes links and executes them; each command says who it is and what it was called.
CLI = f"""
import os, shutil, signal, subprocess, sys, threading
victims = sys.argv[1]
os.chdir("{FOLDER}")
with open("{PRIVATE}/script", "w") as file:
    file.write("#!/bin/sh\\necho private words\\n")
os.chmod("{PRIVATE}/script", 0o755)
with open("{PRIVATE}/secret", "w") as file:
    file.write("private words")
os.makedirs("{PRIVATE}/folder")
os.symlink("/bin/sh", "{PRIVATE}/folder/hidden")

def run(path, *more):
    try:
        done = subprocess.run([path, *more], capture_output=True, text=True)
        return f"{{done.returncode}} {{done.stdout.strip()}}"
    except OSError as error:
        return error.strerror

def say(name, target, *more):
    os.symlink(target, name)
    print(name, run(f"{FOLDER}/{{name}}", *more), sep="\\t", flush=True)

say("program", "/bin/sh", "-c", "id -u; echo $0")
say("program of the CLI's directory", victims + "/mark_uid")
say("relative", "../../../../../bin/sh", "-c", "echo $0")
say("script", "{PRIVATE}/script")
say("relative script", "../../script")
say("secret", "{PRIVATE}/secret")
say("link in a private folder", "{PRIVATE}/folder/hidden", "-c", "echo hidden")
say("loop", "{FOLDER}/loop")
say("the CLI itself", "/proc/self/exe", "-c", "print('ran')")
say("descriptor", "/proc/self/fd/3")
say("private folder", "{PRIVATE}/folder")
print("read by a command", run("/bin/cat", "{FOLDER}/secret"), sep="\\t")
print("made by a command", run("/bin/ln", "-s", "{PRIVATE}/secret", "{FOLDER}/planted"), sep="\\t")
print("followed by the CLI", os.path.exists("{FOLDER}/program"), sep="\\t", flush=True)
# Read-only for commands is not unchanging: the CLI writes there.
shutil.copy("/bin/true", "busy")
with open("busy", "ab"):
    print("being written", run("{FOLDER}/busy"), sep="\\t", flush=True)
print("written", run("{FOLDER}/busy"), sep="\\t", flush=True)
# Where commands may write, it follows nothing.
run("/bin/ln", "-s", "/etc/passwd", "{PRIVATE}/shell_snapshots/planted")
print("planted", os.path.lexists("{PRIVATE}/shell_snapshots/planted"), sep="\\t", flush=True)
try:
    open("{PRIVATE}/shell_snapshots/planted").close()
    print("planted, followed", "yes", sep="\\t", flush=True)
except OSError as error:
    print("planted, followed", error.strerror, sep="\\t", flush=True)

# Another thread turns the link from a program to the private script and back.
stop = threading.Event()
def turn():
    while not stop.is_set():
        for target in "{PRIVATE}/script", "/bin/true":
            os.symlink(target, "{FOLDER}/next")
            os.replace("{FOLDER}/next", "{FOLDER}/turning")
thread = threading.Thread(target=turn)
thread.start()
while not os.path.lexists("{FOLDER}/turning"):
    pass
outcomes = [run("{FOLDER}/turning") for _ in range({harness.count(2000)})]
stop.set()
thread.join()
for outcome in sorted(set(outcomes)):
    print("turning", outcome, sep="\\t")
"""


def main():
    harness.need_root()
    space = harness.workspace()
    (space / "cli.py").write_text(CLI)
    result = harness.Session(["/usr/bin/python3", "/workspace/cli.py", harness.VICTIMS], space,
                             options=["--agent", "codex"]).run(200)
    facts = result.facts()
    missing = "No such file or directory"
    for what, wanted in {
            "program": f"0 {harness.AGENTUSER}",
            "relative": f"0 {FOLDER}/relative",
            "script": missing, "relative script": missing, "secret": missing,
            "link in a private folder": missing, "private folder": missing,
            "loop": "Too many levels of symbolic links",
            "being written": "Text file busy", "written": "0",
            "read by a command": "1", "made by a command": "1",
            "followed by the CLI": "True", "planted": "True",
            "planted, followed": "Too many levels of symbolic links"}.items():
        checks.equal(what, facts.get(what, "").strip(), wanted)
    checks.check("the program's own name is the link's", f"{FOLDER}/program" in result.stdout, result)
    for what in "the CLI itself", "descriptor":
        checks.check(f"{what} is not executed", "ran" not in facts.get(what, "ran"), result)
    turning = set(result.all("turning"))
    # A link may be turned once more after the look at it: then the command cannot be started.
    checks.check("turning: never the private script", turning and "private" not in str(turning), turning)
    checks.check("turning: the program ran", "0 " in turning, turning)
    checks.check("turning: the other one is missing", missing in turning, turning)
    checks.check("nothing private was printed", "private words" not in result.stdout, result)
    checks.finish()


main()
