#!/usr/bin/env python3
"""No call, by the CLI or a command, leaves a set-user-ID or set-group-ID bit on the host's disk."""

import io
import tarfile

from harness import Checks, Session, command, native, need_root, set_id_files, victim, workspace

TOOLS = {
    "install -m 4755": "install -m 4755 /bin/true /workspace/installed",
    "tar -xp": "tar -xpf /workspace/suid.tar -C /workspace",
    "cp -p": "cp -p /usr/bin/su /workspace/copied",
    "cp -a": "cp -a /usr/bin/passwd /workspace/archived",
    "chmod u+s": "cp /bin/true /workspace/t1; chmod u+s /workspace/t1",
    "chmod -R": "mkdir -p /workspace/r; cp /bin/true /workspace/r/t; chmod -R 6755 /workspace/r",
    "mkdir -m 2775": "mkdir -m 2775 /workspace/group",
    "python os.chmod": "cp /bin/true /workspace/t2; "
                       "python3 -c 'import os; os.chmod(\"/workspace/t2\", 0o4755)'",
    "perl": "cp /bin/true /workspace/t3; perl -e 'chmod 04755, \"/workspace/t3\"'",
    "git config core.sharedRepository": "cd /workspace && git init -q --shared=group repo; true",
}


def archive(space):
    """A tar file with set-id members, as an attacker would publish it."""
    with tarfile.open(space / "suid.tar", "w") as tar:
        for name, mode in (("suid-member", 0o4755), ("sgid-member", 0o2755)):
            member = tarfile.TarInfo(name)
            member.mode, member.size = mode, 4
            tar.addfile(member, io.BytesIO(b"test"))


def nothing_set(checks, name, space):
    checks.equal(f"{name}: no bit on the host", set_id_files(space), [])


def direct_calls(checks):
    space = workspace()
    wanted = native([victim("set_id_bits"), space]).facts()
    set_natively = [name for name, outcome in wanted.items() if outcome.endswith("SET")]
    checks.check("control: natively most calls set the bit", len(set_natively) > 25,
                 str(set_natively))
    checks.check("control: the host's search finds them", len(set_id_files(space)) > 25)
    for who, argv in (("CLI", [victim("set_id_bits"), "/workspace"]),
                      ("command", command("set_id_bits", "/workspace"))):
        space = workspace()
        result = Session(argv, space=space).run(60)
        got = result.facts()
        checks.check(f"{who}: all calls were tried", list(got) == list(wanted), str(result))
        for name, outcome in got.items():
            if name.startswith("control"):
                checks.equal(f"{who}: {name}", outcome, "ok")
            elif name.startswith("openat2"):
                checks.equal(f"{who}: {name}", outcome, "ENOSYS")
            elif not name.startswith(("io_uring", "setxattr")) and name in set_natively:
                checks.equal(f"{who}: {name}", outcome, "EPERM")
        nothing_set(checks, who, space)


def tools(checks):
    space = workspace()
    archive(space)
    script = "; ".join(f"({text}) >/dev/null 2>&1" for text in TOOLS.values())
    for who, argv in (("tools of the CLI", ["/bin/bash", "-c", script]),
                      ("tools in a command", [victim("as_command"), "/bin/bash", "-c", script])):
        result = Session(argv, space=space).run(120)
        checks.check(f"{who} ran", result.status in (0, 1), str(result))
        nothing_set(checks, who, space)
    checks.check("they did make their files", (space / "t1").exists() and
                 (space / "suid-member").exists(), str(list(space.iterdir())))


def main():
    need_root()
    checks = Checks()
    direct_calls(checks)
    tools(checks)
    checks.finish()


main()
