"""Sandboxes that commands make for themselves: with `userns: allow` they work as natively, with
`userns: deny` each says that it cannot and nothing else changes. Landlock and seccomp need no user
namespace and always work."""

import json

import harness

checks = harness.Checks()

NEED_NAMESPACES = {
    "unshare -Ur": "unshare -Ur true",
    "unshare, pid and /proc": "unshare -Urpf --mount-proc sh -c 'test $$ = 1'",
    "unshare, network": "outer=$(readlink /proc/self/ns/net) "
                        "unshare -Urn sh -c 'test $(readlink /proc/self/ns/net) != $outer'",
    "bwrap": "bwrap --ro-bind / / true",
    "bwrap, /dev and /proc": "bwrap --ro-bind / / --dev /dev --proc /proc sh -c 'echo x >/dev/null'",
    "bwrap, everything": "bwrap --unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc "
                         '--bind "$PWD" "$PWD" --chdir "$PWD" '
                         "sh -c 'echo from inside >made; touch /usr/no 2>/dev/null; "
                         "test ! -e /usr/no'",
}
NEED_PROC = {"unshare, pid and /proc", "bwrap, everything"}  # a new one
LANDLOCK = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
attributes = struct.pack("Q", 1 << 1)  # LANDLOCK_ACCESS_FS_WRITE_FILE
ruleset = libc.syscall(444, attributes, len(attributes), 0)
assert ruleset >= 0, os.strerror(ctypes.get_errno())
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.syscall(446, ruleset, 0) == 0, os.strerror(ctypes.get_errno())
open("probe.py").read()
try:
    open("refused", "w")
    sys.exit("it can write")
except PermissionError:
    pass
"""
SECCOMP = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
# uname(2) is EPERM, everything else goes.
program = struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, 63, 6, 0, 0, 0x50001, 6, 0, 0, 0x7fff0000)
memory = ctypes.create_string_buffer(program)
argument = struct.pack("HxxxxxxQ", 4, ctypes.addressof(memory))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.create_string_buffer(argument), 0, 0) == 0, os.strerror(ctypes.get_errno())
try:
    os.uname()
    sys.exit("uname works")
except PermissionError:
    pass
"""
ALWAYS = {"Landlock": "python3 probe.py", "seccomp": "python3 filter.py"}


def space_with_probes():
    space = harness.workspace()
    (space / "probe.py").write_text(LANDLOCK)
    (space / "filter.py").write_text(SECCOMP)
    script = [f"if ({line}) >/dev/null 2>&1; then echo '{name}\tworks'; else echo '{name}\tfails'; fi"
              for name, line in {**NEED_NAMESPACES, **ALWAYS}.items()]
    (space / "probes.sh").write_text("\n".join(script) + "\nls /usr/bin/env >/dev/null && echo 'after\tworks'\n")
    return space


def policy(space, userns, pidns):
    path = space.parent / f"{space.name}-{userns}.json"
    path.write_text(json.dumps({"extends": "default", "profiles": {
        "task": {"userns": userns, "pidns": pidns, "env": {"allow": ["*"]}}}}))
    return path


def in_session(space, natively, userns, pidns):
    file = policy(space, userns, pidns)
    got = harness.Session(["bash", "-c", "sh probes.sh; true"], space, policy=file).run().facts()
    file.unlink()
    # The kernel lets nobody mount a /proc where what Docker covers would show again.
    covered = harness.ENGINE == "docker" and pidns == "session"
    for name in natively:
        works = (userns == "allow" or name not in NEED_NAMESPACES) and not (
            name in NEED_PROC and covered)
        checks.equal(f"userns {userns}, pidns {pidns}: {name}", got.get(name),
                     "works" if works else "fails")
    checks.equal(f"userns {userns}, pidns {pidns}: what was written inside", (space / "made").exists(),
                 userns == "allow" and not covered)
    (space / "made").unlink(missing_ok=True)


def main():
    harness.need_root()
    space = space_with_probes()
    natively = harness.native(["sh", "probes.sh"], cwd=space).facts()
    checks.check("natively all of them work", set(natively.values()) == {"works"}, natively)
    (space / "made").unlink(missing_ok=True)
    for userns in "allow", "deny":
        for pidns in "session", "command":
            in_session(space, natively, userns, pidns)
    checks.finish()


main()
