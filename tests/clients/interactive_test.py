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
from legs import CANNOT_RUN, Native, Trapped, fetch
from model_mock import ModelMock
from screen import NotSeen, Screen

# It changes a file, so that a CLI that asks before it acts does ask; SEEN is not in its words.
STEP = scenario.run("shown", "echo seen | tr a-z A-Z | tee made.txt")


def visit(leg):
    """{what: text}: the screens at each turn of the dialogue, and how all ended."""
    seen = {}
    key = leg.parent / "key"
    key.write_text(leg.cli.secret_text(scenario.KEY))
    key.chmod(0o600)
    call = (STEP.name, *leg.cli.call(STEP, {}, leg.places()))
    with ModelMock(lambda _: [[call]]) as mock:
        words = leg.words(mock.url, leg.cli.interactive(mock.url), 3,
                          {"TERM": "xterm-256color", "COLORTERM": "truecolor",
                           **getattr(leg.cli, "ON_A_TERMINAL", {})})
        with Screen(words, leg.workspace, leg.parent, key) as screen:
            try:
                for number, (pattern, *keys) in enumerate(leg.cli.DIALOGUE, 1):
                    seen[f"screen {number}"] = screen.see(pattern)
                    screen.type(*keys)
                seen |= {f"at the end, {what}": str(value) for what, value in screen.end().items()}
                seen["last screen"] = screen.text()
            except NotSeen as error:
                seen["problem"] = str(error)
    seen |= {f"output of {name}": text for name, text in mock.outputs.items()}
    seen |= {f"problem {number}": text for number, text in enumerate(mock.problems)}
    normalise = Comparison(leg.cli.NAME).normalise
    return {what: normalise(text, leg.renamed()) for what, text in seen.items()}


def problems(native, trapped):
    for what in native | trapped:
        one, other = native.get(what, "(nothing)"), trapped.get(what, "(nothing)")
        if one != other:
            yield f"{what} differs\n--- natively\n{one}\n--- trapped\n{other}"
    for name, seen in ("natively", native), ("trapped", trapped):
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
    Trapped.source, Trapped.build = source, build
    top = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-test-", dir="/var/tmp"))
    top.chmod(0o755)
    seen = {}
    try:
        for leg in Native, Trapped:
            seen[leg] = visit(leg(cli, directory, top / leg.__name__.lower()))
            text = "\n".join(f"=== {what}\n{text}" for what, text in seen[leg].items())
            (build / f"{name}-screens-{leg.__name__.lower()}.txt").write_text(text)
    finally:
        shutil.rmtree(top)
    found = list(problems(seen[Native], seen[Trapped]))
    for problem in found:
        print(f"FAILED: {problem}")
    print(f"{directory.name}: {len(seen[Native])} things seen, {len(found)} failures")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
