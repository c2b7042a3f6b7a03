"""Verdict `ask`: a person at the host sees the question and answers it; nobody else can, and whoever
waits for an answer gets one."""

import json
import os
import pathlib
import sys
import tempfile

from life import (Checks, Events, SUPERVISORCTL, Session, bash, line_from, need_root, outer, signal,
                  subprocess, time, wait_until, workspace)

need_root()
checks = Checks()
NAME = "asks"
ANSWERER = pathlib.Path(__file__).parent / "cli/answer_itself.py"


def policy(timeout=60):
    """A policy that asks about touch."""
    handle, path = tempfile.mkstemp(prefix="policy-", suffix=".json")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump({"extends": "default",
                   "rules": [{"id": "careful", "verdict": "ask", "timeout": timeout,
                              "match": {"path": ["**/touch"]}, "reason": "it makes files"}]}, file)
    return path


POLICY, IMPATIENT = policy(), policy(1)


def control(*words):
    return subprocess.run([SUPERVISORCTL, "--session", NAME, *map(str, words)], text=True,
                          capture_output=True, check=False)


def questions(wanted=1, seconds=10):
    """The open questions, once there are so many."""
    found = []

    def enough():
        nonlocal found
        answer = control("asks", "--json")
        found = json.loads(answer.stdout) if answer.returncode == 0 else []
        return len(found) == wanted
    wait_until(enough, seconds, 0.05)
    return found


def asking(script, log=None, rules=POLICY, **more):
    options = ("--name", NAME, *(log.options if log else ()))
    return bash(script, options=options, policy=rules, **more)


def allowed():
    with Events() as log, asking("touch a; echo $?; touch a; echo $?", log) as session:
        open_now = questions()
        checks.equal("one question is open", len(open_now), 1)
        question = open_now[0]
        checks.equal("... it says what, where and why",
                     (question["program"], question["command"], question["cwd"], question["rule"]),
                     ("/usr/bin/touch", "touch a", "/workspace", "careful"))
        checks.check("... and how long it waits", 50 < question["seconds_left"] <= 60, question)
        wait_until(lambda: log.records("exec-asked"), 2)  # agent-auditd writes it a little later
        checks.equal("... in the log too, under the same number",
                     [r["exec"]["id"] for r in log.records("exec-asked")], [question["id"]])
        text = control("asks").stdout
        checks.check("... as text", f"{question['id']} " in text and "command  touch a" in text,
                     text)
        checks.check("status tells of it", "1 question open (supervisorctl asks)\n"
                     in control("status").stdout, control("status").stdout)
        checks.equal("another number is refused", control("answer", question["id"] + 1, "allow")
                     .returncode, 1)
        checks.check("... by name", "no such question is open" in
                     control("answer", question["id"] + 1, "allow").stderr)
        checks.equal("allow is taken", control("answer", question["id"], "allow").returncode, 0)
        checks.equal("... once", control("answer", question["id"], "deny").returncode, 1)
        result = session.finish(20)
        checks.equal("the command ran, and was not asked about again", result.stdout, "0\n0\n")
        checks.check("... it made its file", (session.space / "a").exists())
        checks.equal("... one question was asked", len(log.records("exec-asked")), 1)
    with asking("echo ready; read -r -t 2 _ <> <(:)") as session:
        line_from(session)
        checks.equal("without a question asks says so", control("asks").stdout,
                     "no open question\n")
        checks.check("... and status does not", "question" not in control("status").stdout)


def denied():
    script = "touch a; echo $?; touch a; echo $?; cd /tmp; touch a; echo $?"
    with Events() as log, asking(script, log) as session:
        first = questions()[0]["id"]
        control("answer", first, "deny")
        elsewhere = []
        wait_until(lambda: elsewhere.extend(q for q in questions() if q["id"] != first) or elsewhere)
        checks.equal("elsewhere it is another question", elsewhere[0]["cwd"], "/tmp")
        control("answer", elsewhere[0]["id"], "allow")
        result = session.finish(20)
        checks.equal("deny denies, for good; another directory is another question",
                     result.stdout, "126\n126\n0\n")
        line = ("agent-task-runner: denied by rule 'careful': the person at the host said no "
                "(it makes files)\n")
        checks.equal("... with the reason", result.stderr, line * 2)
        checks.check("... no file is made", not (session.space / "a").exists())
        checks.equal("... the log has it",
                     {r["event"]["reason"] for r in log.records("exec-denied")},
                     {"the person at the host said no (it makes files)"})


def late():
    start = time.monotonic()
    result = asking("touch a; echo $?; touch a; echo $?; exec touch a", rules=IMPATIENT).run(20)
    took = time.monotonic() - start
    checks.equal("no answer in time denies", (result.stdout, result.status), ("126\n126\n", 126))
    checks.equal("... with the reason", result.stderr,
                 "agent-task-runner: denied by rule 'careful': nobody answered within 1 s "
                 "(it makes files)\n" * 3)
    checks.check("... and is asked again the next time", 3 <= took < 8, took)


def many():
    script = "for i in {1..20}; do { touch f$i; echo $?; } & done; wait"
    with asking(script) as session:
        refused = [session.process.stdout.readline().strip() for _ in range(4)]
        checks.equal("of 20 questions 4 are too many", refused, ["126"] * 4)
        ids = [question["id"] for question in questions(16)]
        checks.equal("... 16 are open", len(set(ids)), 16)
        checks.check("... status counts them", "16 questions open" in control("status").stdout)
        for number in ids:
            control("answer", number, "allow")
        result = session.finish(20)
        checks.equal("... and run when allowed", result.stdout, "0\n" * 16)
        checks.equal("... each made its file", len(list(session.space.glob("f*"))), 16)
        checks.equal("... the others know why", result.stderr.count(
            "denied by rule 'careful': 16 other questions are open (it makes files)\n"), 4)


def same_at_once():
    script = "for i in {1..5}; do { touch f; echo $?; } & done; wait"
    with asking(script) as session:
        ids = [question["id"] for question in questions(5)]
        checks.equal("one answer", control("answer", ids[3], "allow").returncode, 0)
        checks.equal("... is the answer to all the same questions", session.finish(20).stdout,
                     "0\n" * 5)


def caller_gone():
    with asking("touch a & pid=$!; read -r -t 2 _ <> <(:); kill -9 $pid; wait $pid; echo $?; "
                "read -r -t 5 _ <> <(:)") as session:
        checks.equal("a question is open", len(questions()), 1)
        checks.equal("its caller is killed", line_from(session), "137")
        checks.equal("... and it is open no more", questions(0, 2), [])
        checks.check("... nothing was made", not (session.space / "a").exists())


def runner_killed():
    script = ("SECONDS=0; touch a; echo $? $SECONDS; touch a; echo $?; "
              "read -r -t 2 _ <> <(:); touch a; echo $?")
    with Events() as log, asking(script, log) as session:
        first = questions()[0]["id"]
        old = session.runner()
        start = time.monotonic()
        old.kill()
        status, seconds = line_from(session).split()
        took = time.monotonic() - start
        checks.equal("a question ends with its runner, by EIO", status, "126")
        checks.check("... within a second", took < 1, (took, seconds))
        second = questions()[0]["id"]
        checks.check("the next question has a number of its own", second > first, (first, second))
        checks.equal("... so that an old answer does not fit", control("answer", first, "allow")
                     .returncode, 1)
        control("answer", second, "allow")
        checks.equal("... its own does", line_from(session), "0")
        session.runner().kill()
        third = questions()[0]["id"]
        checks.check("a new runner knows no answers", third > second, third)
        control("answer", third, "deny")
        result = session.finish(20)
        checks.equal("... and takes new ones", result.stdout, "126\n")
        checks.check("the caller was told of an input/output error",
                     "Input/output error" in result.stderr, result.stderr)
        checks.equal("each kill is an event", len(log.records("runner-restarted")), 2)


def answers_from_inside():
    space = workspace()
    program = space / "answer_itself.py"
    program.write_bytes(ANSWERER.read_bytes())
    program.chmod(0o755)
    with Session(["/usr/bin/python3", "/workspace/answer_itself.py", "cli"], space=space,
                 options=("--name", NAME), policy=POLICY) as session:
        open_now = questions()
        checks.equal("a question is open", len(open_now), 1)
        said = [line_from(session) for _ in range(2)]
        checks.equal("neither the CLI nor a command may answer, look or list", said,
                     ["1001 refused", "1000 refused"])
        checks.equal("... nor hold the runner up", line_from(session), "1000 pipe refused")
        checks.equal("... it is the same", [q["id"] for q in questions()], [open_now[0]["id"]])
        control("answer", open_now[0]["id"], "deny")
        checks.equal("... and is answered by root", line_from(session), "touch 126")
        session.finish(20)


def hostile_text():
    space = workspace()
    (space / "ask.py").write_text("""
import subprocess, threading
lines = [["touch", "\\x1b]0;owned\\x07\\x1b[2J", "a\\nno open question\\r\\x9b31m", "b c", ""],
         ["touch", *["\\x1b" * 100000] * 10],
         ["\\x1b[31mls", "d"]]
def run(line):
    # By fork: a vfork would stop every thread until the answer.
    subprocess.run(line, executable="/usr/bin/touch", preexec_fn=lambda: None)
for line in lines:
    threading.Thread(target=run, args=(line,)).start()
""")
    with Session(["/usr/bin/python3", "/workspace/ask.py"], space=space,
                 options=("--name", NAME), policy=POLICY) as session:
        open_now = questions(3)
        checks.equal("three questions are open", len(open_now), 3)
        for words in (("asks",), ("asks", "--json"), ("status",)):
            text = subprocess.run([SUPERVISORCTL, "--session", NAME, *words], check=False,
                                  capture_output=True).stdout
            checks.check(f"{' '.join(words)}: printable lines only, and few",
                         all(32 <= byte < 127 or byte == 10 for byte in text)
                         and len(text) < 20000, text[:300])
        text = control("asks").stdout
        checks.equal("... four for each question", text.count("\n"), 12)
        checks.check("... that show what is there", r"'\x1b]0;owned\x07\x1b[2J' "
                     r"'a\x0ano open question\x0d\xc2\x9b31m' 'b c' ''" in text, text)
        checks.check("... how much there is", "[11 words, 1000015 bytes]" in text, text)
        checks.equal("... and which program it really is", text.count("program  /usr/bin/touch"), 3)
        for question in open_now:
            control("answer", question["id"], "deny")
        session.finish(20)


def tasks():
    # A list longer than a message: 70 background commands whose 400 characters are all escaped.
    script = ("for i in {1..70}; do /bin/bash -c 'sleep 60 & true' \"$1\"; done; /bin/bash -c "
              "'echo ready; sleep 60'")
    with Session(["/bin/bash", "-c", script, "bash", "\x01" * 400],
                 options=("--name", NAME)) as session:
        line_from(session)
        found = []

        def all_told():
            found[:] = json.loads(control("tasks", "--json").stdout)
            return sum(task["lingering"] for task in found) == 70
        checks.check("tasks has those in the background", wait_until(all_told, 5), found[-3:])
        checks.equal("... and the one in front", len(found), 71)
        text = control("tasks").stdout
        checks.equal("... a line each, and the head", text.count("\n"), 72)
        checks.check("... the last one runs", text.splitlines()[-1].endswith(
            "run             /bin/bash -c 'echo ready; sleep 60'"), text.splitlines()[-1])
        os.kill(outer(session), signal.SIGTERM)
        session.finish(20)
    with asking("echo ready; read -r -t 2 _ <> <(:)") as session:
        line_from(session)
        checks.equal("no task runs", control("tasks").stdout, "no task runs\n")


def explicit():
    result = asking("/libexec/agent-task-run -- touch a; echo $?").run(20)
    checks.equal("agent-task-run opens no question", (result.stdout, result.stderr), (
        "126\n", "agent-task-runner: denied by rule 'careful': nobody has been asked: only what the "
        "CLI executes makes a question (it makes files)\n"))


def usage():
    for words in (["answer"], ["answer", "1"], ["answer", "x", "allow"], ["answer", "1", "maybe"],
                  ["answer", "-1", "allow"], ["asks", "1"], ["answer", "1", "allow", "--json"]):
        checks.equal(f"wrong usage: {' '.join(words)}", control(*words).returncode, 2)
    for words in (["asks"], ["tasks"], ["answer", "1", "allow"]):
        checks.equal(f"no such session: {' '.join(words)}", control(*words).returncode, 4)


CASES = (usage, allowed, denied, late, many, same_at_once, caller_gone, runner_killed,
         answers_from_inside, hostile_text, tasks, explicit)
try:
    for case in CASES:
        if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]:
            case()
finally:
    os.unlink(POLICY)
    os.unlink(IMPATIENT)
checks.finish()
