"""What a session has of each protection is what it says; with less than the policy requires it does
not start. `--hide` plays the machine that lacks one."""

import json
import os
import pathlib
import tempfile

from life import (Checks, Events, SUPERVISORCTL, bash, gone, line_from, need_root, outer, signal,
                  status_of, subprocess, wait_until, workspace)

need_root()
checks = Checks()
NAME = "enforcement"
WAIT = "echo ready; read -r -t 20 _ <> <(:)"
MADE = tempfile.TemporaryDirectory(prefix="policies-")

# What each protection needs before it; the rest stays as this machine has it.
ENGINE = "exec-trap-engine"
ALSO_GONE = {"exec-trap": {"landlock", ENGINE}, "bpf": {"exec-trap", "landlock", ENGINE}}
REMEDIES = {
    "uid-split": "start agent-init as root, with CAP_SETUID and CAP_SETGID",
    "exec-trap": "use a kernel with seccomp user notification (5.9)",
    "pid-namespace": "grant CAP_SYS_ADMIN",
    "mount-namespace": "grant CAP_SYS_ADMIN",
    "no-new-privs": "use a kernel with CONFIG_SECCOMP_FILTER",
    "bpf": "use a kernel with CONFIG_SECCOMP_FILTER",
    "landlock": "boot with `landlock` in the lsm= list (Linux 5.13), and have exec-trap",
    "memfd-noexec": "use Linux 6.3 or newer",
    "apparmor": "this version has no AppArmor profiles",
    "workspace-idmap": "put the workspace on a filesystem with idmapped mounts",
}
PROTECTIONS = tuple(REMEDIES)


def policy(name, **words):
    path = pathlib.Path(MADE.name) / f"{name}.json"
    path.write_text(json.dumps(words))
    return path


def requiring(name, base="default", **levels):
    return policy(name, extends=base, require={key.replace("_", "-"): level
                                               for key, level in levels.items()})


UNDEMANDING = policy("undemanding", extends="default",
                     require={protection: "none" for protection in PROTECTIONS})


def levels_of(session):
    """As PID 1 says them."""
    line_from(session)
    # Where no exec is trapped, the CLI can be faster than PID 1.
    wait_until(lambda: status_of(NAME))
    return status_of(NAME)


def stop(session):
    os.kill(outer(session), signal.SIGTERM)
    session.finish(20)


def seen(*options, rules=UNDEMANDING):
    """The levels and mounts of a session, and whether its log says the same."""
    with Events() as log, bash(WAIT, policy=rules,
                               options=("--name", NAME, *log.options, *options)) as session:
        status = levels_of(session)
        text = subprocess.run([SUPERVISORCTL, "--session", NAME, "enforcement"], text=True,
                              capture_output=True, check=False).stdout
        stop(session)
        recorded = log.records("enforcement")  # agent-auditd has written all of it by now
    same = [r["enforcement"] for r in recorded] == [status["enforcement"]]
    said = dict(line.split() for line in text.splitlines())
    return status, same and said == {**status["enforcement"], **status["mounts"]}


def hidden_is_none(has):
    for protection in PROTECTIONS:
        status, same = seen("--hide", protection)
        lost = {protection} | ALSO_GONE.get(protection, set())
        checks.equal(f"without {protection}", status["enforcement"],
                     {**has, **{name: "none" for name in lost}})
        checks.check("... the event and the text say the same", same)
        wanted = "acl" if protection == "workspace-idmap" else None
        if wanted:
            checks.equal("... and the mounts", set(status["mounts"].values()), {wanted})


def engine_is_named(has):
    for option, engine in (("notify", "notify"), ("trace", "trace"), ("off", "none")):
        status, same = seen("--engine-trap", option)
        lost = {"exec-trap", "landlock"} if option == "off" else set()
        checks.equal(f"--engine-trap {option}", status["enforcement"],
                     {**has, **{name: "none" for name in lost}, ENGINE: engine})
        checks.check("... the event and the text say the same", same)


def refused(what, result, line, log):
    checks.equal(f"{what}: no start", result.status, 125)
    checks.equal("... the CLI printed nothing", result.stdout, "")
    checks.equal("... and one line says why", result.stderr, f"agent-init: the policy requires {line}\n")
    checks.equal("... no session is in the log", log.records("session-start"), [])


def required_is_refused():
    for protection in PROTECTIONS:
        rules = policy("one", extends="default", require={
            **{other: "none" for other in PROTECTIONS}, protection: "full"})
        with Events() as log:
            session = bash("echo ran", policy=rules,
                           options=("--name", NAME, "--hide", protection, *log.options))
            result = session.run(30)
            checks.check(f"{protection} required and missing: the remedy is named",
                         REMEDIES[protection] in result.stderr, result.stderr)
            line = result.stderr.removeprefix("agent-init: the policy requires ").rstrip("\n")
            checks.check("... and what is missing",
                         line.startswith(f"{protection} full but it is none: "), line)
            refused("... alone", result, line, log)
            checks.check("... no session is listed", not pathlib.Path(
                f"/run/coding-agents-sessions/{NAME}").exists())


def several_missing():
    rules = requiring("several", landlock="full", memfd_noexec="partial")
    with Events() as log:
        session = bash("echo ran", policy=rules, options=(
            "--hide", "landlock", "--hide", "memfd-noexec", "--hide", "bpf", *log.options)).start()
        session.remember_namespaces()
        result = session.finish(30)
        missing = [part.split(" ", 1)[0] for part in
                   result.stderr.removeprefix("agent-init: the policy requires ").split("; ")]
        checks.equal("each that is missing is named", missing,
                     ["exec-trap", "bpf", "landlock", "memfd-noexec"])
        checks.check("... partial too", "memfd-noexec partial but it is none" in result.stderr)
        checks.equal("... in one line, with 125", (result.stderr.count("\n"), result.status),
                     (1, 125))
        checks.check("... and nothing is left", gone(session), session.survivors())
        checks.equal("... nor in the log", log.records("session-start"), [])


def wrong_name():
    result = bash("echo ran", options=("--hide", "seatbelt")).run(30)
    checks.check("a protection that does not exist is named",
                 result.status in (2, 125) and "no such protection" in result.stderr, result)
    checks.equal("... and nothing ran", result.stdout, "")


def without_the_trap():
    script = "id -un; /libexec/agent-task-run -- id -un; echo end"
    result = bash(script, policy=UNDEMANDING, options=("--hide", "exec-trap")).run(30)
    checks.equal("without the trap only what agent-task-run sends is a command",
                 (result.stdout, result.status), ("agentcli\nagentuser\nend\n", 0))


def without_idmap():
    space = workspace()
    result = bash("id -un >/dev/null; echo cli >by-cli; touch by-command; echo more >>by-command",
                  space=space, options=("--hide", "workspace-idmap")).run(30)
    owners = {(space / name).stat().st_uid for name in ("by-cli", "by-command")}
    checks.equal("without idmapped mounts both identities write", (result.status, result.stderr),
                 (0, ""))
    checks.equal("... and all belongs to the workspace's owner", owners,
                 {space.stat().st_uid})


def strict_does_not_start(has):
    with Events() as log:
        result = bash("echo ran", policy="strict", options=log.options).run(30)
        line = result.stderr.removeprefix("agent-init: the policy requires ").rstrip("\n")
        checks.check("strict wants what this version has not", "apparmor full but it is none: "
                     "this version has no AppArmor profiles" in line, result.stderr)
        refused("strict", result, line, log)
    for protection in ("landlock", "memfd-noexec"):
        if has[protection] == "none":
            continue
        with Events() as log:
            result = bash("echo ran", policy=STRICT,
                          options=("--hide", protection, *log.options)).run(30)
            refused(f"strict without {protection}", result, f"{protection} full but it is none: "
                    + result.stderr.rstrip("\n").partition("it is none: ")[2], log)


# Strict, as far as this version goes: what its text says to take out is out.
STRICT = requiring("strict_as_it_is", base="strict", apparmor="none")
STRICT_SCRIPT = r"""
printenv LANG; printenv MY_OWN || echo "MY_OWN withheld"
printenv GITHUB_TOKEN || echo "token withheld"
/bin/bash -c 'echo pid $$'
/bin/bash -c 'sleep 300 & echo left'; /bin/ps -e -o comm= | grep -c sleep
touch works; ls works
ls /run/agent-secrets
echo end
"""


def strict_session(has):
    if "none" in (has["landlock"], has["memfd-noexec"]):
        print("     strict itself: this machine lacks a protection")
        return
    status, same = seen(rules=STRICT)
    checks.equal("strict has what it requires", {status["enforcement"][name] for name in (
        "uid-split", "exec-trap", "pid-namespace", "mount-namespace", "no-new-privs", "bpf",
        "landlock", "memfd-noexec")}, {"full"})
    checks.check("... and says so everywhere", same)
    with Events() as log:
        options = ("--env", "MY_OWN=1", "--env", "GITHUB_TOKEN=ghp_x", *log.options)
        result = bash(STRICT_SCRIPT, policy=STRICT, options=options).run(60)
        lines = result.stdout.splitlines()
        checks.equal("variables pass that are in its list, and no others", lines[:3],
                     ["C.UTF-8", "MY_OWN withheld", "token withheld"])
        checks.equal("each command has a pid namespace", lines[3], "pid 2")
        checks.equal("what a command leaves behind ends with it", lines[4:6], ["left", "0"])
        checks.equal("ordinary work works", (lines[6:], result.status), (["works", "end"], 0))
        checks.equal("no secret is in sight", result.stderr,
                     "ls: cannot access '/run/agent-secrets': No such file or directory\n")
        profiles = {record["exec"].get("profile") for record in log.records("exec-allowed")}
        checks.equal("every command is isolated", profiles, {"isolated"})


def strict_denies():
    rules = policy("strict_rules", extends="strict", require={"apparmor": "none"}, rules=[
        {"id": "no-push", "verdict": "deny", "match": {"path": ["**/git"], "argv": [{"any": "push"}]},
         "reason": "pushing is for people"}])
    result = bash("git push; echo $?; git --version; echo $?", policy=rules).run(30)
    lines = result.stdout.splitlines()
    checks.equal("a rule on top of strict denies", (lines[0], lines[-1]), ("126", "0"))
    checks.equal("... with its reason", result.stderr,
                 "agent-task-runner: denied by rule 'no-push': pushing is for people\n")


def main():
    status, same = seen()
    has = status["enforcement"]
    print(f"     this machine: {has}")
    checks.equal("every protection has a level", sorted(has), sorted({*PROTECTIONS, ENGINE}))
    checks.check("... the event and the text say the same", same)
    hidden_is_none(has)
    engine_is_named(has)
    required_is_refused()
    several_missing()
    wrong_name()
    without_the_trap()
    without_idmap()
    strict_does_not_start(has)
    strict_session(has)
    strict_denies()
    checks.finish()


main()
