#!/usr/bin/python3
"""Runs the kernel's own tests of exec and of seccomp's user notification natively, as the vendor CLI
and as a command, and compares what each of their cases says. Sessions are local ones, or in containers:
tests/container/with_engine.py says so by TEST_ENGINE. TEST_ENGINE_TRAP names the engine of the exec trap.

usage: selftests.py [--build-dir DIR] [--only GLOB]

The tests are taken from the distribution's package linux-source and kept in the build folder. What
may differ is in selftests.tsv (case, leg, key) and docs/fidelity.md says why; a listed difference
that does not occur fails as well.

Exit status: 0 all as expected, 1 not, 77 cannot run here (the reason is printed).
"""

import argparse
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PACKAGE = "linux-source-6.1"
TREE = "tools/testing/selftests"
OWNER = 1000
TIMEOUT = 120
ENGINE = os.environ.get("TEST_ENGINE", "local")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp",
               "LANG": "C.UTF-8", **{name: os.environ[name] for name in ("DOCKER_HOST",) if name in os.environ}}
EXEC = ["execveat", "non-regular", "null-argv", "recursion-depth", "binfmt_script.py"]
CONTAINED = "command, container"  # a leg's name: a command, where the session is in a container
ALIGNMENTS = ("0x1000", "0x200000", "0x1000000")


def run(*argv, **more):
    return subprocess.run([str(word) for word in argv], check=True, **more)


def fetch(folder):
    """The selftests below `folder`, as this distribution has them now."""
    newest = run("apt-cache", "show", "--no-all-versions", PACKAGE, capture_output=True, text=True)
    version = re.search(r"^Version: (.*)$", newest.stdout, re.M).group(1)
    source = folder / "source"
    if (folder / "version").exists() and (folder / "version").read_text() == version:
        return source
    print(f"# fetching {PACKAGE} {version}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run("apt-get", "download", "-qq", f"{PACKAGE}={version}", cwd=folder, stderr=subprocess.DEVNULL)
    package = next(folder.glob("*.deb"))
    run("bash", "-euo", "pipefail", "-c",
        'mkdir "$2"; dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$3.tar.xz" | '
        'tar -xJ -C "$2" --strip-components=1 --wildcards "*/$4/exec/*" "*/$4/seccomp/*" "*/$4/*.h"',
        "-", package, source, PACKAGE, TREE)
    package.unlink()
    (folder / "version").write_text(version)
    return source


def compile_all(source, out):
    """What the selftests' Makefiles make."""
    tests = source / TREE
    flags = ["-w", "-O2", "-D_GNU_SOURCE", f"-I{tests}"]
    out.mkdir()
    for name in EXEC[:-1]:
        run("gcc", *flags, "-o", out / name, tests / "exec" / f"{name}.c")
    for size in ALIGNMENTS:
        for kind, pie in ("", "-pie"), (".static", "-static-pie"):
            run("gcc", *flags, f"-Wl,-z,max-page-size={size}", "-fPIE", pie, "-o",
                out / f"load_address{kind}.{size}", tests / "exec/load_address.c")
    run("gcc", *flags, "-pthread", "-o", out / "seccomp_bpf", tests / "seccomp/seccomp_bpf.c", "-lcap")
    shutil.copy(tests / "exec/binfmt_script.py", out)
    shutil.copy(tests / "exec/Makefile", out)
    (out / "script").write_text("#!/bin/sh\nexit $*\n")
    (out / "script").chmod(0o755)
    (out / "subdir").mkdir()
    (out / "execveat.symlink").symlink_to("execveat")
    shutil.copy(out / "execveat", out / "execveat.denatured")
    (out / "execveat.denatured").chmod(0o644)


def words(test):
    """What runs one test, from its folder."""
    return ["python3", test] if test.endswith(".py") else [f"./{test}"]


def cases(test, status, text):
    """What each case of a test says, in order; equal names are counted."""
    found = {}
    for line in text.splitlines():
        tap = re.match(r"(ok|not ok) \d+ (?:- )?(.*?)(?: # SKIP.*)?$", line)
        if "execveat() failed" in line:  # said by the child; its parent says it too
            continue
        check = re.match(r"(Check .*?)\.\.\. \[(OK|FAIL)\]", line)
        if tap:
            name, verdict = tap.group(2), "skipped" if "# SKIP" in line else tap.group(1)
        elif check:
            # Numbers of descriptors are what they happen to be.
            name = re.sub(r"execveat\(\d+", "execveat(N", check.group(1))
            name, verdict = re.sub(r"x{20,}", "x…", name), check.group(2)
        else:
            continue
        count = sum(1 for known in found if known.split(" #")[0] == f"{test}: {name}")
        found[f"{test}: {name}" + (f" #{count + 1}" if count else "")] = verdict
    found[f"{test}: status"] = str(status)
    return found


def legs_of(test):
    """The CLI gets EBUSY for a second listener, which these tests wait for in a loop."""
    return ("command",) if test == "seccomp_bpf" else ("cli", "command")


def run_on_terminal(argv):
    """Status and output. On a terminal each line is written at once; the tests fork while they print.
    Standard input is the terminal, too: else a session in a container would have pipes."""
    master, slave = os.openpty()
    with subprocess.Popen(argv, env=ENVIRONMENT, stdin=slave, stdout=slave,
                          stderr=subprocess.DEVNULL) as process:
        os.close(slave)
        timer = threading.Timer(TIMEOUT, process.kill)
        timer.start()
        text = b""
        try:
            while part := os.read(master, 65536):
                text += part
        except OSError:  # EIO: nobody has the other side any more
            pass
        timer.cancel()
        os.close(master)
    return process.returncode, text.decode(errors="replace").replace("\r", "")


class Runner:
    def __init__(self, programs, folder, build):
        self.programs, self.folder, self.build = programs, folder, build

    def workspace(self):
        """The tests change their folder: each run has its own."""
        path = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(self.programs, path, symlinks=True, dirs_exist_ok=True)
        run("chown", "-hR", f"{OWNER}:{OWNER}", path)
        return path

    def command_line(self, leg, test, space):
        argv = words(test)
        if leg == "native":
            return [HERE / "native_view.sh", space, self.programs, "--", "sh", "-c",
                    'cd /workspace && exec "$@"', "-", *argv]
        launcher = [ROOT / "scripts/launchers/run-agent", "--engine", ENGINE, "--agent", "custom",
                    "--workspace", space, "--build-dir", self.build, "--cli-dir", self.programs]
        if "TEST_ENGINE_TRAP" in os.environ:
            launcher += ["--engine-trap", os.environ["TEST_ENGINE_TRAP"]]
        if ENGINE != "local":
            launcher += ["--image", os.environ["TEST_IMAGE"]]
        launcher.append("--")
        if leg == "command":
            return [*launcher, "sh", "-c", '"$@"; exit $?', "-", *argv]
        # The CLI's own program is a copy that it may execute.
        return [*launcher, argv[0].replace(".", str(self.programs), 1), *argv[1:]]

    def run(self, leg, test):
        space = self.workspace()
        argv = [str(word) for word in self.command_line(leg, test, space)]
        try:
            return cases(test, *run_on_terminal(argv))
        finally:
            shutil.rmtree(space, ignore_errors=True)


def read_allowed():
    rows = []
    for line in (HERE / "selftests.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            rows.append(tuple(line.split("\t")))
    if ENGINE == "local":
        rows = [row for row in rows if row[1] != CONTAINED]
    document = (ROOT / "docs/fidelity.md").read_text()
    for _, _, key in rows:
        if f"- `{key}`: " not in document:
            raise SystemExit(f"selftests.tsv uses the difference {key}, which docs/fidelity.md lacks")
    return rows


def compare(leg, wanted, got, allowed, used):
    """Prints a line for each case that is not as natively; how many are not listed."""
    wrong = listed = 0
    for case in {**wanted, **got}:
        if wanted.get(case) == got.get(case):
            continue
        rows = [row for row in allowed if fnmatch.fnmatch(case, row[0]) and row[1].split(",")[0] == leg]
        used.update(rows)
        listed += bool(rows)
        if not rows:
            wrong += 1
            print(f"not ok {leg}: {case}: {got.get(case)}, natively {wanted.get(case)}", flush=True)
    return wrong, listed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build-dir", default=str(ROOT / "build"))
    parser.add_argument("--only", default="*", help="tests whose name matches this glob")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("1..0 # SKIP sessions need root")
        sys.exit(77)
    build = pathlib.Path(options.build_dir).resolve()
    source = fetch(build / "selftests")
    tests = [*EXEC, *(f"load_address{kind}.{size}" for kind in ("", ".static") for size in ALIGNMENTS),
             "seccomp_bpf"]
    allowed, used, wrong, listed, count = read_allowed(), set(), 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="selftests-") as folder:
        os.chmod(folder, 0o755)
        programs = pathlib.Path(folder) / "programs"
        compile_all(source, programs)
        runner = Runner(programs, folder, build)
        for test in fnmatch.filter(tests, options.only):
            wanted = runner.run("native", test)
            for leg in legs_of(test):
                count += len(wanted)
                more, known = compare(leg, wanted, runner.run(leg, test), allowed, used)
                wrong, listed = wrong + more, listed + known
                print(f"{'not ok' if more else 'ok'} {leg}: {test}", flush=True)
    if options.only == "*":
        for row in sorted(set(allowed) - used):
            wrong += 1
            print(f"not ok the listed difference does not occur: {row}")
    print(f"# {count} cases: {count - wrong - listed} equal, {listed} differ as listed, {wrong} wrong")
    sys.exit(1 if wrong or not count else 0)


main()
