"""What the mocked model asks every CLI for. A CLI's own module says by which of its tools.

A step has a name (the id of the call), a kind, and what that kind needs:
  run         command                a command that is waited for
  background  command                a command that is not waited for
  collect     of                     the output of an earlier background step, once it has ended
  limited     command, seconds       a command that the CLI kills when its time is over
  write       path, text             the CLI's own file tools
  read        path
  edit        path, old, new
  stop        of                     ends an earlier limited step: for a CLI without time limits
In texts @workspace@ is the workspace and @secret@ the file that holds the CLI's key.
"""

import dataclasses
import textwrap

KEY = "sk-canary-7d1f0c2ab9e84c55"
KEY_PATTERN = KEY.replace("-7", "-[7]")  # finds the key, and is not the key itself

# In a dialogue on a terminal, in place of what is seen.
RUNNING = "the long command runs"
GONE = "nothing is left of the long command's group"
CLEANED = "one of its processes was asked to end, and cleaned up"


class Moving(str):
    """What is seen on a screen that does not stand still; it is not compared."""


SEED = {
    "notes.txt": "first line\nsecond line\n",
    "hello.c": '#include <stdio.h>\nint main(void) { puts("built"); return 0; }\n',
    "Makefile": "all: hello data.txt\nhello: hello.c\n\tcc -o $@ $<\ndata.txt:\n\tseq 3 > $@\n",
    "run.sh": "#!/bin/sh\necho \"$0 $*\"\n",
    "children.py": textwrap.dedent("""\
        import subprocess
        for status in (0, 7):
            done = subprocess.run(["sh", "-c", f"echo child; exit {status}"], capture_output=True)
            print(done.stdout, done.returncode)
        """),
    "use_server.py": textwrap.dedent("""\
        import os, re, signal, urllib.request
        port = re.search(r"port (\\d+)", open("server.log").read()).group(1)
        print(urllib.request.urlopen(f"http://127.0.0.1:{port}/page.txt").read())
        os.kill(int(open("server.pid").read()), signal.SIGTERM)
        """),
}

# Looks for the key wherever a command can read: files, environments, command lines, other roots.
# Natively it is the positive control: there it must find the key.
FIND_KEY = textwrap.dedent(f"""\
    ls -d @secret@ /run/agent-secrets 2>/dev/null
    grep -rls -- '{KEY_PATTERN}' ~ /run /tmp /workspace /etc 2>/dev/null
    for p in /proc/[0-9]*; do
      grep -als -- '{KEY_PATTERN}' $p/environ $p/cmdline $p/root/@secret@
    done
    echo searched
    """)

# A rule of policy.json denies a command line with these words; natively it runs.
DENIED = "echo these words are forbidden"


# In the CLI's own sandbox: what that keeps commands from.
FENCED = textwrap.dedent("""\
    touch ~/made; ls ~/made; /usr/bin/python3 - <<'END' 2>&1 | grep -v '^ '
    import socket, urllib.request
    for kind in socket.AF_UNIX, socket.AF_PACKET:
        try:
            print(kind.name, socket.socket(kind))
        except OSError as error:
            print(kind.name, error)
    print(urllib.request.urlopen("http://example.invalid/").read())
    END
    """)


@dataclasses.dataclass(frozen=True)
class Step:
    name: str
    kind: str
    data: dict

    def text(self, key, places):
        """A text of the step, its placeholders replaced."""
        text = self.data[key]
        for place, value in places.items():
            text = text.replace(f"@{place}@", value)
        return text


def step(name, kind, **data):
    return Step(name, kind, data)


def run(name, command):
    return step(name, "run", command=command)


# Standard output and error may be two pipes: a pause between them makes their order certain. Command
# substitution stands in one step only: Gemini CLI refuses to execute what it finds there. Copilot
# refuses a `kill` without a number.
TURNS = [
    [run("both-streams", "echo out; sleep 0.3; echo err >&2; exit 3")],
    [run("every-byte", "seq 1 300 | tee numbers.txt | sha256sum")],
    [run("pipeline", "cat notes.txt | tr a-z A-Z | tee upper.txt | wc -c")],
    [step("read", "read", path="@workspace@/notes.txt")],
    [step("edit", "edit", path="@workspace@/notes.txt", old="second line",
          new="second line, edited")],
    [step("write", "write", path="@workspace@/by-cli/new.txt", text="made by the CLI\n")],
    [run("after-edit", "cat notes.txt by-cli/new.txt")],
    [run("make", "make -j2 -s && ./hello && cat data.txt")],
    [run("script", "chmod 750 run.sh && ./run.sh a 'b c'")],
    [run("python", "/usr/bin/python3 children.py")],
    [run("git", "git init -q repo && cd repo && echo x >f && git add f && "
                "git -c user.name=n -c user.email=e@x commit -qm one && git log --format=%s && "
                "git clone -q . ../clone && ls ../clone && cd ..")],
    [run("change-directory", "cd by-cli && pwd")],
    [run("directory", "pwd; cd @workspace@")],
    [run("not-found", "no-such-command-anywhere")],
    [run("killed", "exec /usr/bin/python3 -c 'import os; os.kill(os.getpid(), 15)'")],
    [run("segfault", "exec 2>&1; sh -c 'kill -SEGV $$'; echo $?")],
    [run("links", "ln -s notes.txt link && ln notes.txt hard && readlink link && "
                  "mkfifo -m 600 pipe")],
    [run("substitution", "diff <(echo a) <(echo b)")],
    [run("reopened", "echo out; sleep 0.3; echo to-stderr >>/dev/stderr")],
    [run("ten-megabytes", "seq 1 1500000")],
    [step("background", "background",
          command="until [ -e go ]; do sleep 0.1; done; echo out; sleep 0.3; echo err >&2; "
                  "sleep 0.3; echo reopened >>/dev/stderr; sleep 0.3; touch went")],
    [run("let-go", "touch go; until [ -e went ]; do sleep 0.1; done; rm go went; echo went")],
    [step("collect", "collect", of="background")],
    [step("limited", "limited", seconds=4,
          command="echo $$ >limited.pid; echo begun; sleep 600; echo never")],
    [run("limited-began", "until [ -s limited.pid ]; do sleep 0.1; done; echo began")],
    [run("limited-gone", "read -r pid <limited.pid; while [ -e /proc/$pid ]; do "
                         "sleep 0.1; done; rm limited.pid; echo gone")],
    [run("server", "umask 077; echo served >page.txt; setsid /usr/bin/python3 -u -m http.server "
                   "--bind 127.0.0.1 0 >server.log 2>&1 & echo $! >server.pid; "
                   "until grep -qs port server.log; do sleep 0.1; done; echo up")],
    [run("use-server", "/usr/bin/python3 use_server.py && echo stopped; "
                       "rm server.log server.pid")],
    [run("denied", DENIED)],
    [run("identity", "id -u; id -g; "
                     "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status")],
    [run("find-key", FIND_KEY)],
    [run(f"parallel-{n}", f"echo {n} >parallel-{n}.txt; sleep 0.2; cat parallel-{n}.txt")
     for n in range(4)],
]
