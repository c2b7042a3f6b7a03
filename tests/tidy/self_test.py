#!/usr/bin/python3
"""Feeds each check one bad tree and one good tree: it must complain about the first and only that."""

import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
GOOD = {
    "os/fd.h": "// Owns a descriptor.\n#pragma once\nint open_it();\n",
    "os/user.h": '// Uses a descriptor.\n#pragma once\n#include "os/fd.h"\n',
    "os/fd.cc": '#include "os/fd.h"\n\nint open_it() { return 3; }\n',
    "policy/rule.cc": '#include "os/fd.h"\n\nint rule() { return open_it(); }\n',
    "scripts/go": "#!/usr/bin/env bash\nset -euo pipefail\necho fine\n",
}
LONG_FUNCTION = "int f() {\n" + "  // line\n" * 60 + "  return 1;\n}\n"
FLOOR = "".join(f"int f{n}();\n" for n in range(401))
# check, the file that spoils the good tree, its text, what the complaint must say
CASES = [
    ("layers", "os/up.cc", '#include "policy/rule.h"\n', "is not a file named from the root"),
    ("layers", "os/up.cc", '#include "policy/rule.cc"\n', "os/up.cc:1: os/ may not include policy/"),
    ("layers", "os/fd.h", '#include "os/user.h"\n', "include cycle"),
    ("layers", "os/short.cc", '#include "fd.h"\n', "is not a file named from the root"),
    ("sizes", "os/long.cc", FLOOR, "os/long.cc: 401 lines"),
    ("sizes", "os/long.cc", LONG_FUNCTION, "os/long.cc:1: 63 lines in 'int f() {'"),
    ("sizes", "os/long.sh", LONG_FUNCTION.replace("int f", "f"), "63 lines"),
    ("sizes", "os/long.py", "def f():\n" + "    # x\n" * 60 + "    return 1\n", "62 lines in 'f'"),
    ("sizes", "CONTRIBUTING.md", "rule\n" * 120, "CONTRIBUTING.md: 120 lines"),
    ("kernel_calls", "policy/e.cc", "int f() { return errno; }\n", "policy/e.cc:1: errno outside os/"),
    ("kernel_calls", "init/o.cc", "int f() { return ::open(0, 0); }\n", "init/o.cc:1: ::open"),
    ("kernel_calls", "os/t.cc", "void f() { throw 1; }\n", "os/t.cc:1: throw"),
    ("words", "os/later.cc", "// TO" + "DO: later\n", "os/later.cc:1: 'TO" + "DO': unfinished work"),
    ("words", "docs/list.md", "a white" + "list\n", "say allow-list"),
    ("words", "docs/home.md", "see /ho" + "me/alice/x\n", "a path of one person's machine"),
    ("words", "docs/space.md", "space \n", "white space at the end"),
    ("words", "docs/end.md", "no end", "the last line has no end"),
    ("headers", "os/bare.h", "// Says it.\n#pragma once\nstd::string f();\n", "os/bare.h alone"),
    ("headers", "os/bare.h", "#pragma once\n", "is not a comment that says the purpose"),
    ("headers", "os/bare.h", "// Says it.\nint f();\n", "no #pragma once"),
    ("format", "os/ugly.cc", "int  f( ){return 1;}\n", "os/ugly.cc:1: clang-format-14"),
    ("shell", "scripts/bad", "#!/usr/bin/env bash\nset -euo pipefail\nrm $1\n", "SC2086"),
    ("shell", "scripts/bad", "#!/usr/bin/env bash\necho x\n", "no `set -euo pipefail`"),
    ("clang_tidy", "os/null.cc", "int* f() { return 0; }\n", "os/null.cc:1:19: error: use nullptr"),
    ("clang_tidy", "os/twice.cc", '#include "os/fd.h"\n' * 2, "os/twice.cc:2:1: error: duplicate include"),
    # Not to be read together with os/fd.cc, which only the compiler sees.
    ("clang_tidy", "os/clash.cc", "  int open_it() { return 4; }\nint* f() { return 0; }\n",
     "os/clash.cc:2:19: error: use nullptr"),
    ("clang_tidy", "os/name.cc", "int CamelName() { return 0; }\n", "readability-identifier-naming"),
    ("clang_tidy", "os/null.cc", "int f(int* p) {\n  p = nullptr;\n  return *p;\n}\n", "os/null.cc:3:10"),
    ("clang_tidy", "tests/null.cc", "int* f() { return 0; }\n", "modernize-use-nullptr"),
]


def run_check(check, tree):
    """Status and words of one check over one tree."""
    arguments = [str(HERE / f"{check}.py"), str(tree)]
    if check == "clang_tidy":
        (tree / "build").mkdir()
        entries = [{"directory": str(tree), "file": str(f), "command": f"g++ -std=c++20 -I{tree} -c {f}"}
                   for f in tree.rglob("*.cc")]
        (tree / "build/compile_commands.json").write_text(json.dumps(entries))
        arguments.append(str(tree / "build"))
    run = subprocess.run(arguments, text=True, capture_output=True, check=False)
    return run.returncode, run.stdout + run.stderr


def tree_of(directory, extra):
    """Writes the good tree and the extra files; gives its root."""
    for name, text in {**GOOD, **extra}.items():
        path = pathlib.Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in (".clang-format", ".clang-tidy", "tests/.clang-tidy"):
        (pathlib.Path(directory) / name).parent.mkdir(exist_ok=True)
        (pathlib.Path(directory) / name).write_text((HERE.parent.parent / name).read_text())
    return pathlib.Path(directory)


def main():
    wrong = []
    for check in sorted({case[0] for case in CASES}):
        with tempfile.TemporaryDirectory() as directory:
            status, words = run_check(check, tree_of(directory, {}))
            if status != 0:
                wrong.append(f"{check} complains about the good tree: {words}")
    for check, name, text, expected in CASES:
        with tempfile.TemporaryDirectory() as directory:
            status, words = run_check(check, tree_of(directory, {name: text}))
            if status != 1 or expected not in words:
                wrong.append(f"{check} on {name}: status {status}, wanted '{expected}' in: {words}")
    covered = {case[0] for case in CASES} | {"batches", "sources", "self_test"}
    wrong += [f"{path.name} is never seen to fail" for path in HERE.glob("*.py")
              if path.stem not in covered]
    print(f"{len(CASES)} bad trees")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
