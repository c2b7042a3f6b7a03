#!/usr/bin/env python3
"""A person talks to a real CLI on a terminal, natively and in a session: the same is seen.

usage: interactive_test.py CLI SOURCE_ROOT BUILD_ROOT
Exit 77: cannot run here, with the reason. What was seen is left in BUILD_ROOT/CLI-screens-*.txt.
"""

import importlib
import pathlib
import shutil
import sys
import tempfile

import scenario
from comparison import Comparison
from legs import CANNOT_RUN, IN_SESSION, Native, fetch
from model_mock import ModelMock
from screen import NotSeen, Screen

# It changes a file, so that a CLI that asks before it acts does ask; SEEN is not in its words.
STEP = scenario.run("shown", "echo seen | tr a-z A-Z | tee made.txt")


def visit(leg, like=()):
    """{what: text}: the screens at each turn of the dialogue, and how all ended.

    A screen that is as one of an earlier visit (`like`) needs no more patience.
    """
    seen = {}
    compare = Comparison(leg.cli.NAME)

    def normalise(text):
        return compare.normalise(text, leg.renamed())

    key = leg.parent / "key"
    key.write_text(leg.cli.secret_text(scenario.KEY))
    key.chmod(0o600)
    call = (STEP.name, *leg.cli.call(STEP, {}, leg.places()))
    with ModelMock(lambda _: [[call]], leg.model_address, leg.tcp_table) as mock:
        words = leg.words(mock.url, leg.cli.interactive(mock.url), 3,
                          {"TERM": "xterm-256color", "COLORTERM": "truecolor",
                           **getattr(leg.cli, "ON_A_TERMINAL", {})})
        with Screen(words, leg.workspace, leg.parent, key) as screen:
            try:
                for number, (pattern, *keys) in enumerate(leg.cli.DIALOGUE, 1):
                    wanted = [visit.get(f"screen {number}") for visit in like]
                    seen[f"screen {number}"] = screen.see(
                        pattern, lambda text, wanted=wanted: normalise(text) in wanted)
                    screen.type(*keys)
                seen |= {f"at the end, {what}": str(value) for what, value in screen.end().items()}
                seen["last screen"] = screen.text()
            except NotSeen as error:
                seen["problem"] = str(error)
    seen |= {f"output of {name}": text for name, text in mock.outputs.items()}
    seen |= {f"problem {number}": text for number, text in enumerate(mock.problems)}
    return {what: normalise(text) for what, text in seen.items()}


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
        seen = visit(leg(cli, directory, top / place), like)
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
