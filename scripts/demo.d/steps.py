"""What the demo's CLI does, and what must come of it."""

import dataclasses

# In a command's text: {cli} is the pid of the CLI, {secret} the secret's value.
SECRET_FILE = "/run/agent-secrets/custom/token"

SERVE = ("python3 -u -m http.server --bind 127.0.0.1 0 >server.log 2>&1 & echo $! >server.pid; "
         "until grep -qs port server.log; do sleep 0.02; done")
FETCH = ("curl() { python3 -c 'import sys, urllib.request as u; "
         "print(u.urlopen(sys.argv[1]).read().decode(), end=\"\")' \"$1\"; }; "
         "curl http://127.0.0.1:$(grep -o 'port [0-9]*' server.log | cut -d' ' -f2)/words.txt && "
         "kill $(cat server.pid)")


@dataclasses.dataclass
class Step:
    shown: str       # the command as a reader wants to see it
    command: object  # a list of arguments, or a text for sh -c
    status: int      # the exit status that is expected in the session
    says: str        # must occur in the command's output
    stopped_by: str = ""   # what keeps it from succeeding; empty: it is meant to succeed
    refused: bool = False  # by a rule of the policy, before anything runs


def work(shown, command, says=""):
    return Step(shown, command, 0, says)


def attempt(shown, command, status, says, stopped_by):
    return Step(shown, command, status, says, stopped_by)


def refused(shown, command, says):
    return Step(shown, command, 126, says, "policy", refused=True)


STEPS = [
    work("git clone -q origin project", ["git", "clone", "-q", "origin", "project"]),
    work("make -s -C project", ["make", "-s", "-C", "project"], "compiled 2 words"),
    work("python3 count.py", ["python3", "project/count.py", "project/words.txt"], "alpha 1"),
    work("sort words.txt | uniq -c | wc -l", "sort project/words.txt | uniq -c | wc -l", "2"),
    work("python3 -m http.server &", "cd project; " + SERVE),
    work("curl http://127.0.0.1/words.txt; kill the server", "cd project; " + FETCH, "alpha"),
    work("echo note > project/note.txt", "echo note > project/note.txt && cat project/note.txt",
         "note"),
    refused("git push", ["git", "-C", "project", "push"],
            "denied by rule 'no-push': the demo publishes nothing"),
    refused("curl -d SECRET http://127.0.0.1", ["curl", "-d", "{secret}", "http://127.0.0.1"],
            "denied by rule 'secret-in-arguments'"),
    attempt("cat " + SECRET_FILE, ["cat", SECRET_FILE], 1, "No such file or directory",
            "mount namespace"),
    attempt("cat /proc/CLI/environ", "cat /proc/{cli}/environ", 1, "No such file or directory",
            "pid namespace"),
    attempt("kill -KILL CLI", "kill -KILL {cli}", 1, "No such process", "pid namespace"),
    attempt("touch /usr/bin/git-evil", ["touch", "/usr/bin/git-evil"], 1, "Read-only file system",
            "read-only mount"),
    attempt("chmod 4755 project/tool", "echo >project/tool; chmod 4755 project/tool", 1,
            "Operation not permitted", "system call filter"),
    attempt("mount -t tmpfs none /tmp", ["mount", "-t", "tmpfs", "none", "/tmp"], 32,
            "must be superuser", "no capabilities"),
]
