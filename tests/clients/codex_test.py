#!/usr/bin/env python3
"""The real Codex CLI does the same work natively and trapped, and cannot give its key away.

usage: codex_test.py SOURCE_ROOT BUILD_ROOT [--native-only] [--keep]
Exit 77: cannot run here, with the reason. The transcripts are left in BUILD_ROOT/codex-*.json.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

import codex_scenario as scenario
from responses_mock import ResponsesMock

HERE = pathlib.Path(__file__).resolve().parent
HOST_UID = 4321  # the workspace's owner: neither root nor an id that the session uses
CLI_UID = 1001
TASK_UID = 1000
CANNOT_RUN = 77

failures = []


def check(good, what):
    if not good:
        failures.append(what)
        print(f"FAILED: {what}")


def fetch_codex():
    done = subprocess.run([HERE / "fetch", "codex"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"skipped: Codex cannot be fetched: {done.stderr.strip()}")
        sys.exit(CANNOT_RUN)
    directory = pathlib.Path(done.stdout.strip())
    return directory, next(directory.glob("vendor/*/bin/codex"))


def make_workspace(parent):
    workspace = parent / "workspace"
    workspace.mkdir(parents=True)
    for name, text in scenario.SEED.items():
        (workspace / name).write_text(text)
    for path in [workspace, *workspace.iterdir()]:
        os.chown(path, HOST_UID, HOST_UID)
    return workspace


def codex_arguments(codex, url):
    provider = f'{{name="mock",base_url="{url}",wire_api="responses",requires_openai_auth=true}}'
    settings = {"model_provider": '"mock"', "model_providers.mock": provider,
                "features.plugins": "false", "features.apps": "false",
                "features.enable_request_compression": "false", "analytics.enabled": "false"}
    settings = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return [codex, "exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", "--json",
            "-m", "mock-model", *settings, "do the work"]


def auth_file():
    return json.dumps({"OPENAI_API_KEY": scenario.KEY}) + "\n"


def run_native(parent, codex, mock, workspace):
    home = parent / "home"
    (home / ".codex").mkdir(parents=True)
    (home / ".codex/auth.json").write_text(auth_file())
    for path in [home, home / ".codex", home / ".codex/auth.json"]:
        os.chown(path, HOST_UID, HOST_UID)
        path.chmod(0o700 if path.is_dir() else 0o600)
    environment = {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(codex_arguments(codex, mock.url), cwd=workspace, env=environment,
                          user=HOST_UID, group=HOST_UID, extra_groups=[], umask=0o022,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          check=False)
    return done, {str(workspace): "/workspace", str(home): "/home/agentuser"}


def run_trapped(parent, codex, mock, workspace, source, build):
    key_in, key_out = os.pipe()
    os.write(key_out, auth_file().encode())
    os.close(key_out)
    command = [source / "scripts/launchers/run-agent", "--engine", "local", "--agent", "codex",
               "--workspace", workspace, "--cli-dir", codex.parents[3], "--build-dir", build,
               "--events", parent / "events", "--secret-fd", f"{key_in}=auth.json",
               "--", *codex_arguments(codex, mock.url)]
    try:
        done = subprocess.run(command, pass_fds=[key_in], stdin=subprocess.DEVNULL, umask=0o022,
                              capture_output=True, text=True, timeout=180, check=False)
    finally:
        os.close(key_in)
    return done, {}


def tree(workspace):
    """{path: (kind and mode, owner, content)} of everything in the workspace but git's objects."""
    found = {}
    for path in sorted(workspace.rglob("*")):
        name = path.relative_to(workspace)
        if ".git" in name.parts:
            continue
        info = path.lstat()
        content = ""
        if stat.S_ISLNK(info.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        found[str(name)] = (oct(info.st_mode), info.st_uid, info.st_gid, content)
    return found


def foreign_owners(workspace):
    return [str(path) for path in [workspace, *workspace.rglob("*")]
            if (path.lstat().st_uid, path.lstat().st_gid) != (HOST_UID, HOST_UID)]


def leg(name, parent, run):
    """One whole run; gives what is to be compared and what is to be looked at."""
    parent.mkdir(mode=0o755)
    workspace = make_workspace(parent)
    with ResponsesMock(scenario.turns) as mock:
        done, paths = run(parent, mock, workspace)
    outputs = {call: scenario.normalise(text) for call, text in mock.outputs.items()}
    for path, replacement in paths.items():
        outputs = {call: text.replace(path, replacement) for call, text in outputs.items()}
    check(done.returncode == 0, f"{name}: codex exited {done.returncode}\n{done.stderr[-3000:]}")
    check(not mock.problems, f"{name}: the mock could not answer: {mock.problems}")
    check(mock.authorizations == {f"Bearer {scenario.KEY}"}, f"{name}: the key reached the API")
    check(len(mock.outputs) == len(scenario.COMMANDS) + scenario.PARALLEL + 4,
          f"{name}: {len(mock.outputs)} tool calls were answered")
    check(foreign_owners(workspace) == [], f"{name}: owners of {foreign_owners(workspace)}")
    return {"outputs": outputs, "files": tree(workspace), "uids": mock.client_uids,
            "bodies": mock.bodies, "stdout": done.stdout, "stderr": done.stderr}


def save(build, name, result):
    kept = {key: result[key] for key in ("outputs", "files", "stdout", "stderr")}
    path = pathlib.Path(build) / f"codex-{name}.json"
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def check_native(native):
    check("auth.json" in native["outputs"].get("find-key", ""),
          "the search for the key finds it natively (positive control)")
    check(native["uids"] == {HOST_UID}, f"native: the API was called by uid {native['uids']}")


def check_trapped(trapped, native):
    outputs = trapped["outputs"]
    for call, text in native["outputs"].items():
        if call not in ("identity", "find-key"):
            check(outputs.get(call) == text,
                  f"output of '{call}' differs\n--- natively\n{text}\n--- trapped\n"
                  f"{outputs.get(call)}")
    for name in sorted(native["files"] | trapped["files"]):
        check(native["files"].get(name) == trapped["files"].get(name),
              f"file '{name}' differs: natively {native['files'].get(name)}, "
              f"trapped {trapped['files'].get(name)}")
    check(trapped["uids"] == {CLI_UID}, f"trapped: the API was called by uid {trapped['uids']}")
    wanted = [str(TASK_UID), str(TASK_UID), "CapBnd:\t0000000000000000",
              "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"]
    shown = outputs.get("identity", "").split("Output:\n")[-1].split("\n")
    check(sorted(filter(None, shown)) == sorted(wanted), f"a command is agentuser: {shown}")
    found = outputs.get("find-key", "").split("Output:\n")[-1].strip()
    check(found == "searched", f"the key is out of reach of commands: {found}")
    told = [text for text in trapped["bodies"] if scenario.KEY in text]
    check(not told, "the key is in no request to the model")
    check(scenario.KEY not in trapped["stdout"] + trapped["stderr"], "the key was not printed")


def check_events(path):
    text = path.read_text() if path.exists() else ""
    actions = [json.loads(line)["data"]["event"]["action"] for line in text.splitlines()]
    commands = len(scenario.COMMANDS) + scenario.PARALLEL
    check(actions.count("exec-allowed") >= commands - 1, f"exec-allowed events: {actions}")
    check(scenario.KEY not in text, "the key is not in the event log")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--native-only", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the working directory")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("skipped: needs root")
        sys.exit(CANNOT_RUN)
    directory, codex = fetch_codex()

    # Not below /tmp: Codex makes no helper links there, and that would be a difference.
    top = pathlib.Path(tempfile.mkdtemp(prefix="codex-test-", dir="/var/tmp"))
    top.chmod(0o755)
    try:
        native = leg("native", top / "native",
                     lambda *legs: run_native(legs[0], codex, *legs[1:]))
        save(options.build, "native", native)
        check_native(native)
        if not options.native_only:
            trapped = leg("trapped", top / "trapped",
                          lambda *legs: run_trapped(legs[0], codex, *legs[1:],
                                                    options.source, options.build))
            save(options.build, "trapped", trapped)
            if not failures:
                check_trapped(trapped, native)
                check_events(top / "trapped/events")
    finally:
        if not options.keep:
            shutil.rmtree(top)
    calls = len(native["outputs"])
    print(f"codex {directory.name}: {calls} tool calls, {len(failures)} differences")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
