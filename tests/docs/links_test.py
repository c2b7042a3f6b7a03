#!/usr/bin/python3
"""Links between documents lead to a file; tests, scripts and files that they name exist.

Usage: links_test.py ROOT BUILD
"""

import pathlib
import re
import sys

import roadmap_test

SUITES = "tidy|lint|unit|docs|sanitized|kernel|fuzz|container|e2e"


def main():
    root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    existing, wrong, links = roadmap_test.existing_tests(build), [], 0
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("tests/**/*.md")]
    for page in pages:
        text, name = page.read_text(), page.relative_to(root)
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", text):
            links += 1
            if not (page.parent / target).exists():
                wrong.append(f"{name}: the link {target} leads nowhere")
        for test in re.findall(rf"`((?:{SUITES})/[^`]+)`", text):
            if test not in existing and not (root / test).exists():
                wrong.append(f"{name}: no test {test}")
        for path in re.findall(r"\b((?:scripts|tests)/[\w./-]+\w)", text):
            if not (root / path).exists() and not list(root.glob(path + ".*")):
                wrong.append(f"{name}: there is no {path}")
    print(f"{len(pages)} pages, {links} links")
    print("\n".join(wrong))
    return 1 if wrong or links == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
