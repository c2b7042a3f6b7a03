"""Reads the tables of the comparison: rows, what is normalised, and the listed differences."""

import dataclasses
import fnmatch
import os
import re
import shlex

HERE = os.path.dirname(os.path.abspath(__file__))
LEGS = ("cli", "command", "isolated")
STREAMS = ("stdin", "stdout", "stderr")


@dataclasses.dataclass
class Row:
    """One line of cases.tsv; `differences` maps a leg to the keys it may differ by."""
    id: str
    kind: str
    fixtures: list
    stdio: dict
    argv: list
    differences: dict


def lines_of(name, columns):
    """The rows of a tab-separated file without comments and heading, each padded to `columns`."""
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
    for number, line in enumerate(lines[1:], 1):
        cells = line.split("\t")
        if len(cells) > columns:
            raise SystemExit(f"{name}: row {number} has {len(cells)} columns: {line}")
        yield cells + [""] * (columns - len(cells))


def read_rows(programs):
    """All rows, with @ replaced by the folder of programs."""
    rows = []
    for identity, kind, setup, program, expected in lines_of("cases.tsv", 5):
        words = [] if setup == "-" else setup.split()
        stdio = dict(word.split("=", 1) for word in words if word.split("=")[0] in STREAMS)
        program = program.replace("⏎", "\n").replace("⇥", "\t")
        differences = {leg: [] for leg in LEGS}
        for word in expected.split():
            leg, _, key = word.rpartition(":")
            for name in [leg] if leg else differences:
                differences[name].append(key)
        rows.append(Row(identity, kind, [word for word in words if "=" not in word], stdio,
                        [word.replace("@/", programs + "/") for word in shlex.split(program)],
                        differences))
    names = [row.id for row in rows]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SystemExit(f"cases.tsv: the same id twice: {sorted(twice)}")
    return rows


class Normaliser:
    """Takes out of a text what differs between two native runs as well: normalise.tsv."""

    def __init__(self):
        self.rules = []
        self.uncompared = []
        for where, pattern, replacement, _ in lines_of("normalise.tsv", 4):
            if where == "bytes":
                self.uncompared.append(pattern)
            else:
                self.rules.append((re.compile(pattern, re.MULTILINE), replacement))

    def text(self, value):
        for pattern, replacement in self.rules:
            value = pattern.sub(replacement, value)
        return value

    def compares_bytes(self, path):
        return not any(fnmatch.fnmatch(path, pattern) for pattern in self.uncompared)


def read_fidelity(path):
    """The differences docs/fidelity.md lists: key -> the aspects that may differ."""
    allowed = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = re.match(r"\| `([a-z-]+)` \| ([a-z, ]+) \|", line)
            if match:
                allowed[match[1]] = {aspect.strip() for aspect in match[2].split(",")}
    return allowed
