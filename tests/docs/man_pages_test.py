#!/usr/bin/python3
"""Man pages and completion know just the options that --help prints, and are well-formed.

Usage: man_pages_test.py ROOT BUILD
"""

import pathlib
import re
import subprocess
import sys


def options_in(text):
    """The long options that lines of this text begin with."""
    return set(re.findall(r"^\s*(--[a-z][a-z-]*)", text, re.M))


def man_options(page):
    """The options that a page describes: the first line of each .TP paragraph."""
    found = re.findall(r"^\.TP\n\.\w+ ((?:\\-\\-)[a-z\\-]+)", page.read_text(), re.M)
    return {option.replace("\\", "") for option in found}


def completed_options(script, command):
    """The options that the completion offers."""
    words = subprocess.run(["bash", "-c", f'source "{script}"; _{command.replace("-", "_")} {command} -- ""; '
                            'printf "%s\\n" "${COMPREPLY[@]}"'], text=True, capture_output=True, check=True)
    return {word for word in words.stdout.split() if word.startswith("--")} - {"--"}


def compare(name, wanted, found):
    """Complaints about options that one side lacks."""
    return [f"{name}: lacks {option}" for option in sorted(wanted - found)] + \
           [f"{name}: has {option}, which --help does not" for option in sorted(found - wanted)]


def main():
    root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    programs = {"agent-session": build / "channel/agent-session",
                "run-agent": root / "scripts/launchers/run-agent",
                "agent-task-run": build / "runner/agent-task-run",
                "supervisorctl": build / "init/supervisorctl"}
    wrong = []
    for name, program in programs.items():
        page = root / f"docs/man/{name}.1"
        help_text = subprocess.run([program, "--help"], text=True, capture_output=True, check=True).stdout
        wrong += compare(page.name, options_in(help_text), man_options(page))
        lint = subprocess.run(["groff", "-man", "-ww", "-z", page], text=True, capture_output=True,
                              check=False)
        wrong += lint.stderr.splitlines()
        completion = root / f"scripts/completion/{name}.bash"
        if completion.exists():
            wrong += compare(completion.name, options_in(help_text), completed_options(completion, name))
    print(f"{len(programs)} pages")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
