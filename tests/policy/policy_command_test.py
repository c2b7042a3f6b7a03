#!/usr/bin/python3
"""`agent-init policy check` and `policy explain`: what they print and how they exit.

usage: policy_command_test.py AGENT_INIT SOURCE_ROOT
"""

import json
import pathlib
import subprocess
import sys
import tempfile

AGENT_INIT, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
failures = []

POLICY = """{
  "extends": "default",
  "rules": [
    {"id": "no-push", "verdict": "deny", "reason": "pushing is for people",
     "match": {"path": ["**/git"], "argv": [{"at": 1, "is": "push"}]}},
    {"id": "publish", "verdict": "ask", "timeout": 30,
     "match": {"path": ["**/npm"], "argv": [{"at": 1, "is": "publish"}]}}
  ]
}
"""


def policy(*words):
    done = subprocess.run([AGENT_INIT, "policy", *map(str, words)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30, check=False)
    return done.returncode, done.stdout, done.stderr


def check(what, got, expected):
    good = got == expected
    print(f"{'ok' if good else 'FAILED'}: {what}")
    if not good:
        print(f"  expected {expected!r}\n  got      {got!r}")
        failures.append(what)


def test_check(file):
    check("check accepts a valid file", policy("check", file),
          (0, f"{file}: valid, rules: 4, profiles: 2\n", ""))
    check("check knows the shipped policies", policy("check", "strict")[0], 0)
    check("check knows the shipped agents", policy("check", "--agent", "codex"),
          (0, "codex: agent codex is valid\n", ""))
    invalid = ROOT / "tests/policies/invalid_wrong_type_path.json"
    check("check names file, line and path of a mistake", policy("check", invalid),
          (1, "", f"agent-init: policy: {invalid}:6: rules[1].match.path: "
                  "expected a list, found text\n"))
    missing = file.with_name("missing.json")
    check("check says why a file cannot be read", policy("check", missing),
          (1, "", f"agent-init: policy: open '{missing}': ENOENT (No such file or directory)\n"))


def test_usage(file):
    for words in [[], ["frobnicate"], ["check"], ["check", file, file], ["explain"],
                  ["explain", "--"], ["explain", "git"], ["explain", "--policy"],
                  ["explain", "--env", "X", "--", "git"], ["explain", "--env", "=x", "--", "git"],
                  ["explain", "--cwd", "here", "--", "git"]]:
        status, out, err = policy(*words)
        check(f"wrong usage {words}", (status, out, err.startswith("agent-init: policy: ")),
              (2, "", True))
    check("--help is no problem", policy("--help")[0::2], (0, ""))


def explained(file, *words):
    status, out, err = policy("explain", "--policy", file, "--json", *words)
    check(f"explain {' '.join(words)} succeeds", (status, err), (0, ""))
    return json.loads(out)


def test_explain(file):
    check("explain tells a person what decides and why nothing earlier does",
          policy("explain", "--policy", file, "--cwd", "/workspace", "--env", "GH_TOKEN=x", "--",
                 "/usr/bin/git", "status"),
          (0, "program  /usr/bin/git\n"
              f"policy   {file}\n"
              "verdict  run by rule 'run'\n"
              "profile  task: a pid namespace per session, background children live on\n"
              "  withheld the variable GH_TOKEN\n"
              "  not      no-push: argument 1 is 'status', not 'push'\n"
              "  not      publish: the path is '/usr/bin/git', not '**/npm'\n"
              "  not      cli-itself: not one of the CLI's own programs in a way that its self "
              "rules allow\n"
              "  decides  run: the rule asks for nothing\n", ""))

    denied = explained(file, "--", "/usr/bin/git", "push")
    check("a denied command has its rule and reason",
          [denied[key] for key in ("verdict", "rule", "reason", "profile")],
          ["deny", "no-push", "pushing is for people", ""])
    check("rules after the one that decides are not listed", len(denied["rules"]), 1)

    asked = explained(file, "--cwd", "/tmp", "--", "./bin/npm", "publish")
    check("a relative command is taken from the working directory",
          [asked["path"], asked["verdict"], asked["timeout"]], ["/tmp/./bin/npm", "ask", 30])

    with tempfile.TemporaryDirectory() as directory:
        tool = pathlib.Path(directory, "the-tool")
        tool.touch()
        found = explained(file, "--env", f"PATH=/nonexistent:{directory}", "--", "the-tool")
        check("a bare name is searched in PATH", found["path"], str(tool))

    route = explained(file, "--task-run", "--", "/bin/true")
    check("the explicit route has its own profile", route["profile"], "isolated")

    program = "/opt/x/vendor/x86_64-unknown-linux-musl/bin/codex"
    codex = ["--agent", "codex", "--cli-dir", "/opt/x"]
    own = explained(file, *codex, "--", program, "--codex-run-as-process-setup", "1")
    check("the CLI itself is recognised", [own["verdict"], own["profile"]], ["self", ""])
    loaded = explained(file, *codex, "--env", "LD_PRELOAD=x", "--", program,
                       "--codex-run-as-process-setup", "1")
    check("the CLI with a variable that loads code is a command", loaded["verdict"], "run")

    hostile = explained(file, "--", "/bin/echo", 'quote " back \\ escape \x1b')
    check("arguments survive JSON", hostile["argv"][1], 'quote " back \\ escape \x1b')


with tempfile.TemporaryDirectory() as parent:
    path = pathlib.Path(parent, "policy.json")
    path.write_text(POLICY, encoding="utf-8")
    test_check(path)
    test_usage(path)
    test_explain(path)
sys.exit(1 if failures else 0)
