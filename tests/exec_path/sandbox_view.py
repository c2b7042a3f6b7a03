#!/usr/bin/env python3
"""What a command sees: nothing of the supervisor, nobody's processes but those of commands, no
privilege, and no way to get one."""

import re

from harness import AGENTUSER, Checks, Session, command, need_root, victim

NOTHING = "0000000000000000"
DEVICES = {"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "fd", "stdin",
           "stdout", "stderr", "console", "mqueue"}


def judge_status(checks, facts, uid=AGENTUSER):
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        checks.equal(name, facts.get(f"status {name}"), NOTHING)
    checks.equal("NoNewPrivs", facts.get("status NoNewPrivs"), "1")
    checks.equal("Seccomp", facts.get("status Seccomp"), "2")
    for name in ("Uid", "Gid"):
        checks.equal(name, set(facts.get(f"status {name}", "").split()), {str(uid)})
    checks.equal("Groups", facts.get("status Groups", "").strip(), "")


def judge_files(checks, result):
    wanted = {"agent-task-runner.sock", "task-policy"}
    run = set(result.all("run"))
    checks.check("/run holds the runner's socket and the policy only", run <= wanted | {"lock"},
                 str(run))
    for name, outcome in result.facts().items():
        if name.startswith("stat "):
            checks.equal(name, outcome, "ENOENT")
    checks.check("/dev holds nothing else", set(result.all("dev")) <= DEVICES,
                 str(set(result.all("dev")) - DEVICES))
    for line in result.all("mount"):
        fields = line.split(" - ")[0].split()
        checks.check(f"{fields[4]} is nosuid", "nosuid" in fields[5].split(","), line)
        checks.check(f"{fields[4]} is private", len(fields) == 6, line)
        checks.check(f"{fields[4]} is nothing of the supervisor",
                     not re.search(r"agent-(secrets|init|data|task-runner/)|coding-agents",
                                   fields[4]), line)


def judge_processes(checks, result, lone):
    """Others are pid 1 and parked sandboxes, root's, or the command's own keeper and siblings."""
    reached = set(result.all("signal reaches"))
    seen = {}
    for name, facts in result.facts().items():
        if name.startswith("process "):
            seen[name.split()[1]] = dict(re.findall(r"(\w+)=(\S*)", facts))
    for number, facts in seen.items():
        checks.check(f"process {number} is nobody's but ours or the spawner",
                     facts["uid"] in ("0", str(AGENTUSER), "gone"), str(facts))
        if facts["uid"] == str(AGENTUSER):
            continue
        for what in ("signal", "ptrace"):
            checks.equal(f"process {number} of root: {what}", facts[what], "EPERM")
        for what in ("vm", "mem", "environ", "getfd", "root"):
            checks.equal(f"process {number} of root: {what}", facts[what], "refused")
    ours = {number for number, facts in seen.items() if facts["uid"] == str(AGENTUSER)}
    checks.check("signals reach nobody that /proc hides", reached <= ours, str(reached - ours))
    if lone:
        checks.check("a namespace of its own holds its keepers only", len(seen) <= 2, str(seen))


def powerless(checks):
    """Set-user-ID programs are there, as on the machine, and worth nothing."""
    tries = {"su": "su -c 'id -u' </dev/null", "mount": "mount -t tmpfs none /tmp",
             "passwd": "passwd -d root </dev/null", "chsh": "chsh -s /bin/sh root </dev/null",
             "newgrp": "newgrp root -c id </dev/null", "umount": "umount /proc",
             "sudo": "sudo -n id", "write to /etc": "echo x >>/etc/passwd",
             "chown": "touch /workspace/o && chown 0:0 /workspace/o",
             "mknod": "mknod /tmp/m b 7 0", "kill pid 1": "kill -9 1 && ! kill -0 1",
             "hostname": "hostname evil", "clock": "date -s 2030-01-01"}
    script = "; ".join(f"({text}) >/dev/null 2>&1; echo '{name}'=$?"
                       for name, text in tries.items())
    result = Session([victim("as_command"), "/bin/bash", "-c", script]).run(60)
    got = dict(line.split("=") for line in result.stdout.splitlines())
    for name in tries:
        checks.check(f"{name} fails", got.get(name, "0") != "0", str(result))


def judge_cli(checks):
    """The CLI's own view: it has its secret, which shows that the victim finds what is there, and
    nobody's processes but its own."""
    cli = Session([victim("look_around")], secrets={"TEST": "a-secret-value"}).run(60)
    facts = cli.facts()
    checks.equal("control: the CLI's view has /run/agent-secrets",
                 facts.get("stat /run/agent-secrets"), "ok")
    judge_status(checks, facts, 1001)
    for name in ("agent-init", "agent-task-runner", "coding-agents"):
        checks.check(f"the CLI's view has no /run/{name}",
                     facts.get(f"stat /run/{name}") in ("ENOENT", "EACCES"), str(facts))
    checks.equal("the CLI sees no other process", [n for n in facts if n.startswith("process ")], [])
    checks.equal("the CLI's signals reach no other process", cli.all("signal reaches"), [])


def main():
    need_root()
    checks = Checks()
    result = Session(command("look_around")).run(60)
    checks.equal("look_around ended well", result.status, 0)
    judge_status(checks, result.facts())
    judge_files(checks, result)
    judge_processes(checks, result, lone=False)
    powerless(checks)
    strict = Session([victim("as_command"), "/libexec/agent-task-run", "--", victim("look_around")]).run(60)
    if checks.equal("look_around by the explicit route ended well", strict.status, 0):
        judge_status(checks, strict.facts())
        judge_processes(checks, strict, lone=True)
    judge_cli(checks)
    checks.finish()


main()
