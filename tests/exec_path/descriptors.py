#!/usr/bin/env python3
"""T7: descriptors, masks, umask and limits reach a command as they were at the exec."""

from harness import Checks, Session, native, need_root, victim, workspace

CASES = ["plain", "several", "hundred", "limit", "300", "no-stdin", "no-stdio", "full",
         "ignore-pipe", "signals", "limits"]
SHELL = {
    "write to /dev/stderr": "bash -c 'echo x >/dev/stderr' 2>&1 | cat",
    "append to /dev/stdout": "bash -c 'echo x >>/dev/stdout' | cat",
    "read /dev/stdin": "echo y | cat /dev/stdin",
    "process substitution": "diff <(echo a) <(echo a) && echo same",
    "process substitution, output": "echo z | tee >(cat >&2) >/dev/null; sleep 0.2",
    "here document": "cat <<END\nhere\nEND",
    "/dev/full": "echo x >/dev/full; echo $?",
    "SIGPIPE": "yes | head -n 1; echo ${PIPESTATUS[0]}",
    "SIGPIPE ignored": "trap '' PIPE; yes 2>&1 | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}",
    "descriptor 100": "exec 100>&1; bash -c 'echo x >&100'",
    "closed input": "cat <&-; echo $?",
    "closed output": "echo x >&-; echo $?",
    "file position": "exec 5<$0; read -u 5 line; bash -c 'head -c 3 <&5'; cat <&5 | wc -c",
}


def two_files(space):
    path = space / "f"
    path.write_text("1234567890\nabcdef\n")
    path.chmod(0o666)
    return path


def compare(checks, name, argv, trapped):
    """The same words natively and in a session; `{}` stands for the file."""
    native_space = workspace()
    wanted = native([str(word).format(two_files(native_space)) for word in argv],
                    cwd=native_space)
    space = workspace()
    two_files(space)
    got = Session([str(word).format("/workspace/f") for word in trapped], space=space).run(60)
    for what in ("status", "stdout", "stderr"):
        native_one = getattr(wanted, what)
        if what == "stderr":
            native_one = native_one.replace(str(native_space), "/workspace")
        checks.equal(f"{name}: {what}", getattr(got, what), native_one)


def main():
    need_root()
    checks = Checks()
    for case in CASES:
        argv = [victim("give_fds"), case, "{}", victim("list_fds")]
        compare(checks, case, argv, argv)
    for name, script in SHELL.items():
        # Braces of the shell are not places for the file.
        script = script.replace("{", "{{").replace("}", "}}")
        argv = ["/bin/bash", "-c", script, "{}"]
        compare(checks, name + ", each part a command", argv, argv)
        compare(checks, name + ", one command", argv, [victim("as_command"), *argv])
    # An epoll descriptor watches files of the CLI: no command gets it usable, none fails for it.
    epoll = Session([victim("give_fds"), "epoll", "/dev/null", victim("list_fds")]).run()
    checks.equal("epoll: the command runs", epoll.status, 0)
    # Not one descriptor is free below the soft limit. Natively an exec needs none.
    argv = [victim("give_fds"), "no-free-number", "{}", victim("mark_uid_static")]
    compare(checks, "no number is free", argv, argv)
    # Nor below the hard one: an errno, and nothing is left.
    full = Session([victim("give_fds"), "no-room", "/dev/null", victim("mark_uid_static")]).run()
    checks.equal("no number can be had", (full.status, full.stdout), (126, "execve\tEMFILE\n"))
    in_flight = [victim("fds_in_flight"), "/bin/sh", "-c", "exit 7"]
    compare(checks, "too many descriptors on their way", in_flight, in_flight)
    checks.finish()


main()
