#!/usr/bin/env python3
"""Runs the demo's CLI natively and in a session, and prints what became of each command.

usage: report.py --build-dir DIR [--json] [--keep]
Exit status 0: every row is as expected. Called by scripts/demo, as root.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from steps import STEPS

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
SECRET = "demo-canary-5f0e1d8b47c2"
NAMES = {1000: "agentuser", 1001: "agentcli"}
FOREIGN = 1234  # the person's uid where nobody typed sudo

PROJECT = {
    "words.txt": "alpha\nbeta\n",
    "Makefile": "all:\n\t@echo compiled $$(wc -l <words.txt) words\n",
    "count.py": "import collections, sys\n"
                "for word, n in collections.Counter(open(sys.argv[1]).read().split()).items():\n"
                "    print(word, n)\n",
}


def person():
    """Uid and gid of whoever runs the demo: the one behind sudo, if any."""
    uid = int(os.environ.get("SUDO_UID", FOREIGN))
    return uid, int(os.environ.get("SUDO_GID", uid))


def as_person(command, cwd, **options):
    uid, gid = person()
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(cwd), "LANG": "C.UTF-8",
                   "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(command, cwd=cwd, user=uid, group=gid, extra_groups=[], env=environment,
                          stdin=subprocess.DEVNULL, check=True, **options)


def make_workspace(directory):
    """A directory with a small repository, the person's own."""
    origin = directory / "origin"
    origin.mkdir(parents=True)
    for name, text in PROJECT.items():
        (origin / name).write_text(text)
    for path in (directory, origin, *origin.iterdir()):
        os.chown(path, *person())
    git = ["git", "-c", "user.name=demo", "-c", "user.email=demo@localhost"]
    as_person([*git, "init", "-q", "-b", "main"], origin)
    as_person([*git, "add", "."], origin)
    as_person([*git, "commit", "-q", "-m", "the start"], origin)
    return directory


def show_cli(top):
    """A copy of the CLI that every user can read, wherever the checkout is."""
    directory = top / "cli"
    directory.mkdir()
    for name in ("cli.py", "steps.py"):
        shutil.copyfile(HERE / name, directory / name)
    return directory


def run_native(top, cli):
    workspace = make_workspace(top / "native")
    done = as_person(["/usr/bin/python3", "-B", cli / "cli.py", "--work-only"], workspace,
                     capture_output=True, text=True)
    return json.loads(done.stdout)


def run_session(top, cli, build_dir):
    workspace = make_workspace(top / "session")
    reader, writer = os.pipe()
    os.write(writer, SECRET.encode())
    os.close(writer)
    done = subprocess.run(
        [TOP / "scripts/launchers/run-agent", "--agent", "custom", "--workspace", workspace,
         "--cli-dir", cli, "--build-dir", build_dir, "--events", top / "events",
         "--policy", HERE / "policy.json", "--secret-fd", f"{reader}=token",
         "--", "/usr/bin/python3", "-B", cli / "cli.py"],
        pass_fds=[reader], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    os.close(reader)
    if done.returncode != 0:
        sys.exit(f"demo: the session ended with status {done.returncode}")
    return json.loads(done.stdout), workspace


def decisions(top):
    """What the event log says of each command of the CLI, in order."""
    events = [json.loads(line)["data"] for line in (top / "events").read_text().splitlines()]
    kinds = ("exec-allowed", "exec-denied")
    return [event for event in events if event["event"]["action"] in kinds]


def host_namespaces():
    return {kind: int(re.search(r"\d+", os.readlink(f"/proc/self/ns/{kind}"))[0])
            for kind in ("pid", "mnt")}


def namespace_word(kind, number, session):
    """Whose namespace it is. A command that lived on beside the others holds its number."""
    if number is None:
        return "-"
    owners = {session["neighbour"][kind]: "session", session["cli"]["namespaces"][kind]: "CLI",
              host_namespaces()[kind]: "HOST"}
    return owners.get(number, "own")


def make_rows(native, session, decided):
    rows = []
    times = iter(native["steps"])
    for step, result, event in zip(STEPS, session["steps"], decided):
        pid_ns, mnt_ns = (namespace_word(kind, result["namespaces"].get(kind), session)
                          for kind in ("pid", "mnt"))
        is_work = not step.stopped_by
        ran_as = NAMES.get(result["uid"], str(result["uid"])) if result["uid"] else "-"
        good = (result["status"] == step.status and step.says in result["output"] and
                SECRET not in result["output"])
        if step.refused:
            good &= event["event"]["action"] == "exec-denied" and ran_as == "-"
        else:
            good &= event["event"]["action"] == "exec-allowed" and ran_as == "agentuser"
            good &= pid_ns == "session" and mnt_ns == "own"
        rows.append({
            "command": step.shown, "ran_as": ran_as, "pid_namespace": pid_ns,
            "mount_namespace": mnt_ns, "status": result["status"], "rule": event["rule"]["id"],
            "stopped_by": step.stopped_by or "-", "as_expected": good,
            "native_ms": round(next(times)["ms"], 1) if is_work else None,
            "session_ms": round(result["ms"], 1), "output": result["output"]})
    return rows


def foreign_files(workspace):
    owner = person()
    return [str(path.relative_to(workspace)) for path in workspace.rglob("*")
            if (path.lstat().st_uid, path.lstat().st_gid) != owner]


def make_facts(native, session, workspace):
    """What is true of the whole session: (fact, whether it is)."""
    cli = session["cli"]
    return [
        ("the CLI is agentcli, without capabilities, with no_new_privs and a filter",
         (NAMES.get(cli["uid"]), cli["capabilities"], cli["no_new_privs"], cli["seccomp"]) ==
         ("agentcli", 0, 1, 2)),
        ("every file in the workspace belongs to the person who started the session",
         foreign_files(workspace) == []),
        ("every command that worked natively worked in the session",
         all(step["status"] == 0 for step in native["steps"])),
    ]


def print_table(rows, facts, plain):
    titles = ["", "command", "ran as", "pid ns", "mount ns", "exit", "rule", "stopped by",
              "native", "session"]
    lines = [titles]
    for row in rows:
        native = "-" if row["native_ms"] is None else f"{row['native_ms']:.1f} ms"
        lines.append(["ok" if row["as_expected"] else "NOT", row["command"], row["ran_as"],
                      row["pid_namespace"], row["mount_namespace"], str(row["status"]),
                      row["rule"], row["stopped_by"], native, f"{row['session_ms']:.1f} ms"])
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for line in lines:
        cells = [text.rjust(width) if column >= len(titles) - 2 else text.ljust(width)
                 for column, (text, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())
    for row in rows:
        if not row["as_expected"]:
            print(f"\nnot as expected: {row['command']}: {row['output'].strip()}")
    print()
    for fact, holds in facts:
        print(f"{'ok ' if holds else 'NOT'}  {fact}")
    print(f"\nOne /bin/true: {plain['native_ms']:.2f} ms natively, {plain['session_ms']:.2f} ms "
          f"in the session, {plain['ratio']:.1f} times as much.")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=pathlib.Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()

    os.umask(0o022)
    top = pathlib.Path(tempfile.mkdtemp(prefix="coding-agents-demo-", dir="/var/cache"))
    top.chmod(0o755)
    try:
        cli = show_cli(top)
        native = run_native(top, cli)
        session, workspace = run_session(top, cli, options.build_dir)
        decided = decisions(top)[1:len(STEPS) + 1]  # the first one is the neighbour
        if len(decided) < len(STEPS):
            sys.exit(f"demo: {len(STEPS)} commands, but {len(decided)} decisions in the event log")
        rows = make_rows(native, session, decided)
        facts = make_facts(native, session, workspace)
    finally:
        if options.keep:
            print(f"demo: workspaces and events are in {top}", file=sys.stderr)
        else:
            shutil.rmtree(top)
    plain = {"native_ms": round(native["plain_exec_ms"], 2),
             "session_ms": round(session["plain_exec_ms"], 2),
             "ratio": round(session["plain_exec_ms"] / native["plain_exec_ms"], 1)}
    if options.json:
        print(json.dumps({"rows": rows, "facts": dict(facts), "plain_exec": plain}, indent=1))
    else:
        print_table(rows, facts, plain)
    good = all(row["as_expected"] for row in rows) and all(holds for _, holds in facts)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
