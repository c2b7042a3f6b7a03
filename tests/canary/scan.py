#!/usr/bin/python3
"""Looks for values in processes and files, in every encoding in which one would be of use.

scan.py SINCE VALUE... [-- FOLDER...]: each VALUE is written backwards, so that this command line is
not a place where it is; files not changed since SINCE (seconds) cannot hold one. Looks at all
processes and, below the folders, at every file that can be read. Prints lines
`hit<TAB>number of the value<TAB>place` and `looked<TAB>at<TAB>count`.
"""

import base64
import json
import os
import stat
import sys
import urllib.parse

MOST = 8 << 20  # bytes of one file
NOT_FILES = ("/proc", "/sys")


def encodings(value):
    """The value as it is, quoted, and in the bases, at each alignment of base64."""
    raw = value.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(),
             urllib.parse.quote(value, safe="").encode(), json.dumps(value)[1:-1].encode()}
    for shift in range(3):
        padded = base64.b64encode(b"\0" * shift + raw)
        # The first and last characters depend on what is beside the value.
        inner = padded[4 if shift else 0:len(padded) - 4]
        found |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def read(path):
    """The start of a file; empty where it cannot be read. Never waits for a pipe."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        parts, left = [], MOST
        while left > 0 and (part := os.read(fd, left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(fd)


class Scan:
    """Finds values in texts, and remembers where."""

    def __init__(self, values):
        self.needles = [encodings(value) for value in values]
        self.hits = set()  # (number of the value, place)
        self.looked = {}

    def look(self, kind, place, content):
        if content:
            self.looked[kind] = self.looked.get(kind, 0) + 1
        for number, needles in enumerate(self.needles):
            if any(needle in content for needle in needles):
                self.hits.add((number, place))

    def processes(self):
        """Command line and environment of each process, and files that it holds open."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            for kind in ("cmdline", "environ"):
                self.look(kind, f"{kind} {pid}", read(f"/proc/{pid}/{kind}"))

    def files(self, top, since):
        """Every regular file below `top` that was changed since then; links are not followed."""
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in NOT_FILES]
            for name in names:
                path = os.path.join(folder, name)
                try:
                    status = os.lstat(path)
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode) and status.st_ctime >= since:
                    self.look("files", path, read(path))

    def places(self, number):
        return sorted(place for found, place in self.hits if found == number)


def main():
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    scan = Scan([word[::-1] for word in words[1:split]])
    scan.processes()
    for top in words[split + 1:]:
        scan.files(top, float(words[0]))
    for number, place in sorted(scan.hits):
        print("hit", number, place, sep="\t")
    for kind, count in scan.looked.items():
        print("looked", kind, count, sep="\t")


if __name__ == "__main__":
    main()
