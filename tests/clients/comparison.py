"""Says how the transcripts of two runs differ, after normalise.tsv and apart from differences.tsv."""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent


def _rows(name, run, width):
    rows = []
    clis = ("*", run.partition("-")[0], run)
    for line in (HERE / name).read_text().splitlines():
        if line and not line.startswith("#"):
            fields = line.split("\t")
            if len(fields) != width:
                raise ValueError(f"{name}: {width} columns are wanted: {line}")
            if fields[0] in clis:
                rows.append(fields[1:])
    return rows


class Comparison:
    def __init__(self, run, steps=None):
        """`run`: the CLI's name, and with its own sandbox on that one's mode: `codex-read-only`;
        `steps`: which of them were done; all."""
        self._normalise = _rows("normalise.tsv", run, 4)
        self._differences = {step: rest for step, *rest in _rows("differences.tsv", run, 5)
                             if steps is None or step in steps}

    def normalise(self, text, places):
        """`places`: {where it was in this run: where it is in a session}."""
        for path, replacement in places.items():
            text = text.replace(path, replacement)
        for pattern, replacement, _ in self._normalise:
            text = re.sub(pattern, replacement, text)
        return text

    def problems(self, native, trapped):
        """One text for each difference that is not listed, and for each listed one that is gone."""
        found = [f"step '{step}' is listed in differences.tsv and does not exist"
                 for step in self._differences if step not in native]
        for step in sorted(native | trapped):
            one, other = native.get(step, "(nothing)"), trapped.get(step, "(nothing)")
            shown = f"\n--- natively\n{one[:3000]}\n--- trapped\n{other[:3000]}"
            if step not in self._differences:
                if one != other:
                    found.append(f"output of '{step}' differs{shown}")
                continue
            in_one, in_other, reason = self._differences[step]
            if not re.search(in_one, one) or not re.search(in_other, other) or one == other:
                found.append(f"output of '{step}' differs in another way than listed ({reason}){shown}")
        return found
