#!/usr/bin/env python3
"""T2: pipelines of dash and bash, each part an exec of its own, complete and in order."""

from harness import Checks, Session, command, count, need_root, victim

THREE = 'i=0; while [ $i -lt {0} ]; do echo a$i | cat | cat; i=$((i+1)); done'
EIGHT = ('for i in $(seq {0}); do echo b$i | cat | tr b c | cat | sed s/c/d/ | cat | cat | cat;'
         ' done')
# The writer must see that its reader has gone, or the pipeline never ends.
EARLY_END = 'for i in $(seq {0}); do yes | head -n 1; done; echo ${{PIPESTATUS[*]}}'


def numbered(letter, start, times):
    return "".join(f"{letter}{i}\n" for i in range(start, start + times))


def run(checks, shell, script, wanted):
    """The shell once as the CLI, so that each part is trapped, and once as one command."""
    for name, argv in (("each part a command", [shell, "-c", script]),
                       ("inside one command", [victim("as_command"), shell, "-c", script])):
        result = Session(argv).run(600)
        checks.equal(f"{shell}, {name}: status", result.status, 0)
        checks.check(f"{shell}, {name}: output", result.stdout == wanted, str(result))


def main():
    need_root()
    checks = Checks()
    times = count(100)
    run(checks, "/bin/dash", THREE.format(times), numbered("a", 0, times))
    run(checks, "/bin/bash", EIGHT.format(times), numbered("d", 1, times))
    run(checks, "/bin/bash", EARLY_END.format(times), "y\n" * times + "141 0\n")
    nested = Session(command("as_command", "/bin/dash", "-c", "echo a | cat | cat")).run()
    checks.equal("a pipeline below a command of a command", nested.stdout, "a\n")
    checks.finish()


main()
