"""Several sources as one text for clang-tidy, which spends most of its time in the headers of each file.

Sources that are compiled alike and define no name twice are put one after the other; a header that an
earlier one has included is left out.
"""

import bisect
import re
import shlex

import sources

MOST_FILES = 8
# What stands before a name that a line at the margin defines or declares, and what follows it.
MARGIN_NAME = re.compile(r"(?<![\w:])([A-Za-z_]\w*)(?:\[\w*\])?\s*(?=[({=;]|:(?!:)|$)")
INCLUDE = re.compile(r"^\s*#\s*include\s+(\S+)")


def arguments_of(command):
    """What of a compile command decides how a text is read: the same for sources that may be together."""
    return tuple(word for word in shlex.split(command)
                 if word.startswith(("-D", "-U", "-std=", "-W", "-f")) and word not in ("-fPIC", "-fPIE"))


def names_of(text):
    """Names that lines at the margin define: too many of them rather than too few."""
    found = set()
    for line in sources.code_only(text).splitlines():
        if line[:1].isalpha() and not line.startswith(("namespace", "using namespace", "TEST_CASE")):
            found.update(MARGIN_NAME.findall(line.split("(")[0] + "(" if "(" in line else line))
        elif match := re.match(r"\s*#\s*define\s+(\w+)", line):
            found.add(match.group(1))
    return found


class Batch:
    """Sources in order, with the arguments they are compiled with."""

    def __init__(self, arguments, of_tests):
        self.arguments = arguments
        self.of_tests = of_tests
        self.names = set()
        self.files = []  # (name, text)
        self.starts = []

    def takes(self, arguments, of_tests, names):
        """Whether one more source fits."""
        return (self.arguments == arguments and self.of_tests == of_tests and
                len(self.files) < MOST_FILES and not self.names & names)

    def add(self, name, text, names):
        """Puts one more source at the end."""
        self.files.append((name, text))
        self.names |= names

    def text(self):
        """The whole text; `source` knows its lines afterwards."""
        lines, included, self.starts = [], set(), []
        for _, text in self.files:
            self.starts.append(len(lines))
            before = included.copy()
            for line in text.rstrip("\n").split("\n"):
                header = INCLUDE.match(line)
                # Left out once only: twice in one source is a finding.
                lines.append("" if header and header.group(1) in before else line)
                if header:
                    before.discard(header.group(1))
                    included.add(header.group(1))
        return "\n".join(lines) + "\n"

    def source(self, line):
        """The source that has this line of the text, and its own number there."""
        index = bisect.bisect_right(self.starts, line - 1) - 1
        return self.files[index][0], line - self.starts[index]


def batches(top, jobs):
    """Batches of jobs, which are (name, compile command) in order; each goes to the first that takes it."""
    found = []
    for name, command in jobs:
        text = (top / name).read_text()
        fit = arguments_of(command), name.startswith("tests/")
        names = names_of(text)
        batch = next((batch for batch in found if batch.takes(*fit, names)), None)
        if batch is None:
            batch = Batch(*fit)
            found.append(batch)
        batch.add(name, text, names)
    return found
