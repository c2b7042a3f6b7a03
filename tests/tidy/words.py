#!/usr/bin/python3
"""No words of unfinished work, no paths of one person's machine, no stray white space."""

import re

import sources

# Written with brackets where a plain word would make this file complain about itself.
RULES = [
    (r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b", "unfinished work"),
    (r"(?i)\b(not implemente[d]|unimplemente[d]|placeholde[r]|for no[w])\b", "unfinished work"),
    (r"(?i)\b(white|black)[l]ist", "say allow-list or deny-list"),
    (r"/wor[k]/|/home/(?!agentuser)[a-z]\w*/", "a path of one person's machine"),
    (r" +$", "white space at the end of a line"),
]
TEXT = {".cc", ".h", ".py", ".sh", ".bash", ".md", ".json", ".tsv", ".1", ".build", ".txt", ""}


def main():
    top = sources.root()
    complaints = []
    for path in sources.files(top):
        name = path.relative_to(top).as_posix()
        if path.suffix not in TEXT or name == "LICENSE":
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if text and not text.endswith("\n"):
            complaints.append(f"{name}: the last line has no end")
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, words in RULES:
                found = re.search(pattern, line)
                if found and "words: allow" not in line:
                    complaints.append(f"{name}:{number}: '{found.group(0)}': {words}")
    sources.report(complaints)


main()
