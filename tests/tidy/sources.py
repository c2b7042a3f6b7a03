"""The files that the checks look at. Each check is a program: ROOT in, complaints out, status 1."""

import pathlib
import re
import sys

# Lowest first: a folder may include itself and what it lists.
LAYERS = {
    "os": {"os"},
    "channel": {"os", "channel"},
    "policy": {"os", "policy"},
    "audit": {"os", "policy", "audit"},
    "broker": {"os", "policy", "audit", "broker"},
    "runner": {"os", "policy", "audit", "broker", "runner"},
    "init": {"os", "channel", "policy", "audit", "broker", "runner", "init"},
    "stubs": {"os", "policy", "audit", "broker", "stubs"},
}


def root():
    """The tree to check: the first argument, or the checkout."""
    if len(sys.argv) > 1:
        return pathlib.Path(sys.argv[1])
    return pathlib.Path(__file__).resolve().parent.parent.parent


def files(top):
    """Every file of the tree that is not built, fetched or git's own, in order."""
    skipped = re.compile(r"^(build.*|\.git|\.cache|__pycache__|node_modules)$")
    found = []
    for path in sorted(top.iterdir()):
        if skipped.match(path.name) or path.is_symlink():
            continue
        found += files(path) if path.is_dir() else [path]
    return found


def cpp_files(top, folders=(*LAYERS, "tests")):
    """C++ sources and headers below the given folders."""
    return [f for folder in folders if (top / folder).is_dir() for f in files(top / folder)
            if f.suffix in (".cc", ".h")]


def first_line(path):
    """The first line, empty for a file that is not text."""
    with path.open("rb") as file:
        return file.readline(200).decode(errors="ignore").rstrip("\n")


def shell_files(top):
    """Shell scripts, by their first line or their suffix."""
    return [f for f in files(top) if f.suffix in (".sh", ".bash")
            or re.match(r"#!.*\b(ba|da)?sh\b", first_line(f))]


def python_files(top):
    """Python programs, by their first line or their suffix."""
    return [f for f in files(top) if f.suffix == ".py" or first_line(f).startswith("#!/usr/bin/python3")]


def code_only(text):
    """C++ text with the inside of comments and literals blanked, line numbers kept."""
    pattern = re.compile(r'R"(\w*)\((?:.|\n)*?\)\1"|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"|'
                         r"'(?:\\.|[^'\\\n])+'")
    return pattern.sub(lambda m: '""' + "\n" * m.group(0).count("\n"), text)


def report(complaints):
    """Prints the complaints and ends the program; its status says whether there were any."""
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)
