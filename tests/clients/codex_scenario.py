"""What the mocked model asks Codex for, and how much of its answers may differ between two runs."""

import re
import textwrap

from responses_mock import message, tool_call

KEY = "sk-canary-7d1f0c2ab9e84c55"
KEY_PATTERN = KEY.replace("-7", "-[7]")  # finds the key, and is not the key itself

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
}

PATCH = textwrap.dedent("""\
    apply_patch <<'EOF'
    *** Begin Patch
    *** Update File: notes.txt
    @@
     first line
    -second line
    +second line, edited
    *** Add File: by-cli/new.txt
    +made by the CLI
    *** End Patch
    EOF
    """)

IDENTITY = "id -u; id -g; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status"

# Looks for the key wherever a command can read: files, environments, command lines, other roots.
# Natively it is the positive control: there it must find the key.
FIND_KEY = textwrap.dedent(f"""\
    ls -d ~/.codex/auth.json /run/agent-secrets 2>/dev/null
    grep -rls -- '{KEY_PATTERN}' ~ /run /tmp /workspace /etc 2>/dev/null
    for p in /proc/[0-9]*; do
      grep -als -- '{KEY_PATTERN}' $p/environ $p/cmdline $p/root/$HOME/.codex/auth.json
    done
    echo searched
    """)

# Standard output and error are two pipes: a pause between them makes their order certain.
COMMANDS = {
    "both-streams": "echo out; sleep 0.3; echo err >&2; exit 3",
    "every-byte": "seq 1 300 | tee numbers.txt | sha256sum",
    "pipeline": "cat notes.txt | tr a-z A-Z | tee upper.txt | wc -c",
    "edit": PATCH,
    "after-edit": "cat notes.txt by-cli/new.txt",
    "make": "make -j2 -s && ./hello && cat data.txt",
    "script": "chmod 750 run.sh && ./run.sh a 'b c'",
    "python": "/usr/bin/python3 children.py",
    "git": "git init -q repo && cd repo && echo x >f && git add f && "
           "git -c user.name=n -c user.email=e@x commit -qm one && git log --format=%s && "
           "git clone -q . ../clone && ls ../clone",
    "not-found": "no-such-command-anywhere",
    "killed": "kill -TERM $$",
    "segfault": "exec 2>&1; sh -c 'kill -SEGV $$'; echo $?",
    "links": "ln -s notes.txt link && ln notes.txt hard && readlink link && mkfifo -m 600 pipe",
    "substitution": "diff <(echo a) <(echo b); sleep 0.3; echo to-stderr >/dev/stderr",
    "server": "umask 077; echo served >page.txt; setsid /usr/bin/python3 -u -m http.server --bind "
              "127.0.0.1 0 >server.log 2>&1 & echo $! >server.pid; "
              "until grep -qs port server.log; do sleep 0.1; done; echo up",
    "use-server": "port=$(grep -o 'port [0-9]*' server.log | cut -d' ' -f2); "
                  "/usr/bin/python3 -c \"import urllib.request as u; "
                  "print(u.urlopen('http://127.0.0.1:$port/page.txt').read())\"; "
                  "kill $(cat server.pid) && echo stopped; rm server.log server.pid",
    "identity": IDENTITY,
    "find-key": FIND_KEY,
}

PARALLEL = 4


def session_number(output):
    """The number that Codex gives a command that still runs."""
    return int(re.search(r"session ID (\d+)", output).group(1))


def turns(outputs):
    """One command a turn; then several in one turn; then a command that is talked to."""
    script = [[tool_call("exec_command", name, cmd=command, login=False, yield_time_ms=20000)]
              for name, command in COMMANDS.items()]
    script.append([tool_call("exec_command", f"parallel-{n}", login=False, yield_time_ms=20000,
                             cmd=f"echo {n} >parallel-{n}.txt; sleep 0.2; cat parallel-{n}.txt")
                   for n in range(PARALLEL)])
    script.append([tool_call("exec_command", "login", cmd="echo \"$0\"; shopt login_shell",
                             yield_time_ms=20000)])
    script.append([tool_call("exec_command", "workdir", cmd="pwd", workdir="by-cli",
                             yield_time_ms=20000)])
    script.append([tool_call("exec_command", "talk", tty=True, login=False, yield_time_ms=500,
                             cmd="test -t 0 && read -r line && echo \"heard $line\"")])
    if "talk" in outputs:
        script.append([tool_call("write_stdin", "answer", chars="words\n", yield_time_ms=5000,
                                 session_id=session_number(outputs["talk"]))])
    script.append([message("all done")])
    return script


# What may differ between two runs of the same script, and why.
NORMALISE = [
    (r"Chunk ID: [0-9a-f]+", "Chunk ID: #", "a random name per output"),
    (r"Wall time: [0-9.]+ seconds", "Wall time: # seconds", "time"),
    (r"Original token count: \d+", "Original token count: #", "paths have other lengths"),
    (r"session ID \d+", "session ID #", "a random number per command"),
    (r"(?<!\S)(/usr)?/bin/bash\b", "/bin/bash", "natively the user has no login shell to look up"),
    (r"(bash|sh|line): line \d+:\s+\d+ ", r"\1: line #: # ", "pid in a shell's message"),
]


def normalise(text):
    for pattern, replacement, _ in NORMALISE:
        text = re.sub(pattern, replacement, text)
    return text
