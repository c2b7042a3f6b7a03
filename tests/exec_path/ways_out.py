#!/usr/bin/env python3
"""Descriptors and directories of the CLI's tree lead a command nowhere (as in CVE-2024-21626)."""

from harness import Checks, Session, need_root, victim

SECRET = "/run/agent-secrets/custom/API_KEY"
CASES = ("directories", "path-only", "proc", "secret-file", "pidfd", "cwd", "cwd-usr")


def main():
    need_root()
    checks = Checks()
    for case in CASES:
        argv = [victim("give_dirs"), case, SECRET, victim("leave_by_fd"), SECRET]
        result = Session(argv, secrets={"API_KEY": "canary-of-ways-out"}).run(60)
        facts = result.facts()
        checks.equal(f"{case}: control: the CLI reads its secret",
                     facts.get("control: the CLI reads the secret"), "ok")
        if case == "cwd":
            # The caller's directory does not exist for commands.
            checks.check(f"{case}: the command starts elsewhere or not at all",
                         "/run" not in facts.get("cwd", ""), str(result))
        else:
            checks.equal(f"{case}: the command ran", facts.get("command"), "exit 0")
            checks.equal(f"{case}: the secret by its path", facts.get("secret by path"), "ENOENT")
        checks.check(f"{case}: the working directory leads nowhere",
                     facts.get("cwd leads", "nowhere") == "nowhere", str(result))
        checks.check(f"{case}: no descriptor leads out", "LEADS OUT" not in result.stdout,
                     str(result))
        checks.check(f"{case}: no secret is readable by a descriptor",
                     "canary-of-ways-out" not in result.stdout and
                     not [n for n in facts if SECRET in n], str(result))
        bad = [line for line in result.stdout.splitlines()
               if "pidfd ok" in line or "setns ok" in line]
        checks.equal(f"{case}: pidfds and namespaces are of no use", bad, [])
    checks.equal("cwd-usr: a directory both trees have is kept", facts.get("cwd"), "/usr")
    checks.finish()


main()
