#!/usr/bin/python3
"""No file over 400 lines, no function over 60, CONTRIBUTING.md under 120."""

import ast
import re

import sources

FILE_LIMIT, FUNCTION_LIMIT = 400, 60


def python_functions(text):
    """(name, first line, length) of each function."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def brace_functions(text):
    """The same for C++ and shell: from a name in column 0 with its `(` to the next `}` in column 0."""
    opening, body = None, False
    for number, line in enumerate(text.splitlines(), 1):
        if opening is None and "(" in line and re.match(r"(?!namespace|class|struct|enum)[A-Za-z_~]", line):
            opening, body = (line.strip()[:60], number), False
        if opening is not None:
            body = body or line.endswith("{")
            if line.startswith("}"):
                yield opening[0], opening[1], number - opening[1] + 1
            if line.startswith("}") or (not body and line.endswith((";", "}"))):
                opening = None


def main():
    top = sources.root()
    complaints = []
    python, shell = sources.python_files(top), sources.shell_files(top)
    for path in sorted({*sources.cpp_files(top), *python, *shell}):
        text, name = path.read_text(), path.relative_to(top)
        length = len(text.splitlines())
        if length > FILE_LIMIT:
            complaints.append(f"{name}: {length} lines, at most {FILE_LIMIT}")
        functions = python_functions(text) if path in python else brace_functions(text)
        for function, line, lines in functions:
            if lines > FUNCTION_LIMIT:
                complaints.append(f"{name}:{line}: {lines} lines in '{function}', "
                                  f"at most {FUNCTION_LIMIT}")
    rules = top / "CONTRIBUTING.md"
    if rules.exists() and len(rules.read_text().splitlines()) >= 120:
        complaints.append("CONTRIBUTING.md: 120 lines or more")
    sources.report(complaints)


main()
