#!/usr/bin/env python3
"""A person talks to a real CLI on a terminal, natively and in a session: the same is seen.

usage: interactive_test.py CLI SOURCE_ROOT BUILD_ROOT
Exit 77: cannot run here, with the reason. What was seen is left in BUILD_ROOT/CLI-screens-*.txt.
"""

import importlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

import scenario
from comparison import Comparison
from legs import CANNOT_RUN, IN_SESSION, Native, fetch
from model_mock import ModelMock
from screen import PATIENCE, NotSeen, Screen

# A person interrupts it. Its processes are one group, in which one has something to clean up, and
# one process that left the group.
LONG = scenario.run("long", "trap 'echo cleaned >told; exit 7' TERM INT HUP; setsid sleep 2000 & "
                            "echo began >began; sleep 1000 | cat; echo never >told")
# It changes a file, so that a CLI that asks before it acts does ask; SEEN is not in its words.
STEP = scenario.run("shown", "echo seen | tr a-z A-Z | tee made.txt")


def left_in(workspace):
    """{pid: name} of the long command's processes, found by the directory that they are in."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name, words = ((process / what).read_text().strip() for what in ("comm", "cmdline"))
            if (name in ("sleep", "cat") or name == "bash" and "echo never >told" in words) and (
                    process / "cwd").samefile(workspace):
                found[int(process.name)] = "apart" if "2000" in words and name == "sleep" else name
        except OSError:
            pass  # it has ended
    return found


def names(processes):
    """Those of the group, once each; and the one that left it."""
    found = set(processes.values())
    return f"{' '.join(sorted(found - {'apart'}))}; {'apart' if 'apart' in found else ''}"


class Visit:
    """A dialogue with a CLI on a terminal, and what was seen: {what: text}."""

    def __init__(self, leg, like):
        self.leg, self.like, self.seen = leg, like, {}
        self.compare = Comparison(leg.cli.NAME)
        with ModelMock(self.script, leg.model_address, leg.tcp_table) as mock:
            self.talk(mock.url)
        self.seen |= {f"output of {name}": text for name, text in mock.outputs.items()}
        self.seen |= {f"problem {number}": text for number, text in enumerate(mock.problems)}
        self.seen = {what: self.normalise(text) for what, text in self.seen.items()}

    def normalise(self, text):
        return self.compare.normalise(text, self.leg.renamed())

    def script(self, outputs):
        """The long command once, whether or not the CLI tells what became of it."""
        wanted = [LONG] if "long" in outputs or not (self.leg.workspace / "began").exists() else []
        return [[(step.name, *self.leg.cli.call(step, {}, self.leg.places()))]
                for step in (*wanted, STEP)]

    def talk(self, url):
        leg = self.leg
        key = leg.parent / "key"
        key.write_text(leg.cli.secret_text(scenario.KEY))
        key.chmod(0o600)
        words = leg.words(url, leg.cli.interactive(url), 3,
                          {"TERM": "xterm-256color", "COLORTERM": "truecolor",
                           **getattr(leg.cli, "ON_A_TERMINAL", {})})
        with Screen(words, leg.workspace, leg.parent, key) as screen:
            try:
                for number, (pattern, *keys) in enumerate(leg.cli.DIALOGUE, 1):
                    self.see(screen, number, pattern)
                    screen.type(*keys)
                self.seen |= {f"at the end, {what}": str(value)
                              for what, value in screen.end().items()}
                self.seen["last screen"] = screen.text()
            except NotSeen as error:
                self.seen["problem"] = str(error)
        for pid in left_in(leg.workspace):
            os.kill(pid, signal.SIGKILL)

    def see(self, screen, number, pattern):
        space, told = self.leg.workspace, self.leg.workspace / "told"
        if pattern == scenario.RUNNING:
            self.expect(lambda: (space / "began").exists() and names(left_in(space)),
                        "bash cat sleep; apart")
        elif pattern == scenario.GONE:
            where = "native" if isinstance(self.leg, Native) else "trapped"
            self.expect(lambda: names(left_in(space)), "; " + self.leg.cli.APART[where])
        elif pattern == scenario.CLEANED:
            self.expect(lambda: told.exists() and told.read_text(), "cleaned\n")
        elif isinstance(pattern, scenario.Moving):
            screen.see(pattern, moving=True)
        else:
            wanted = [visit.get(f"screen {number}") for visit in self.like]
            self.seen[f"screen {number}"] = screen.see(
                pattern, lambda text: self.normalise(text) in wanted)

    def expect(self, look, wanted):
        """Waits until it looks as wanted."""
        end = time.monotonic() + PATIENCE
        while (found := look()) != wanted and time.monotonic() < end:
            time.sleep(0.1)
        if found != wanted:
            raise NotSeen(f"of the long command there is '{found}', not '{wanted}'")


def differences(native, trapped):
    """Of the trapped visit from every native one: two of those differ by hints, now and then."""
    for what in native[0] | trapped:
        ones, other = [visit.get(what, "(nothing)") for visit in native], trapped.get(what, "(nothing)")
        if other not in ones:
            yield f"{what} differs\n--- natively\n{ones[0]}\n--- trapped\n{other}"


def problems(native, trapped):
    yield from differences(native, trapped)
    for name, seen in *(("natively", visit) for visit in native), ("trapped", trapped):
        for what, text in seen.items():
            if what.startswith("problem"):
                yield f"{name}: {text}"
        for what, wanted in (("at the end, status", "0"), ("at the end, modes are back", "True"),
                             ("at the end, flags are back", "True")):
            if seen.get(what) != wanted:
                yield f"{name}: {what}: {seen.get(what)}"
        if "SEEN" not in seen.get("output of shown", ""):
            yield f"{name}: the command's output did not reach the model"


def main():
    name, source, build = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    if not shutil.which("tmux"):
        print("SKIP: tmux is missing")
        sys.exit(CANNOT_RUN)
    cli = importlib.import_module(f"{name}_cli")
    directory = fetch(cli.NAME)
    IN_SESSION.source, IN_SESSION.build = source, build
    top = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-test-", dir="/var/tmp"))
    top.chmod(0o755)

    def see(leg, place, like=()):
        seen = Visit(leg(cli, directory, top / place), like).seen
        text = "\n".join(f"=== {what}\n{text}" for what, text in seen.items())
        (build / f"{name}-screens-{place}.txt").write_text(text)
        return seen

    try:
        native = [see(Native, "native")]
        trapped = see(IN_SESSION, IN_SESSION.__name__.lower(), native)
        if any(differences(native, trapped)):
            native.append(see(Native, "native-again"))
    finally:
        shutil.rmtree(top)
    found = list(problems(native, trapped))
    for problem in found:
        print(f"FAILED: {problem}")
    print(f"{directory.name}: {len(trapped)} things seen, {len(found)} failures")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
