#!/usr/bin/python3
"""The launch profile: what it grants is enough and needed, what it refuses is refused."""

import json
import pathlib
import subprocess

from engine import IMAGE, TOP, Engine, check, finish

# Calls that have to be refused, tried by root in a container: what is not is printed. perl, since it
# is on every Debian.
REFUSED = r"""
my %numbers = (x86_64 => "keyctl 250 bpf 321 perf_event_open 298 open_by_handle_at 304 userfaultfd 323 " .
                         "io_uring_setup 425 init_module 175 kexec_load 246 chroot 161 swapon 167",
               aarch64 => "keyctl 219 bpf 280 perf_event_open 241 open_by_handle_at 265 userfaultfd 282 " .
                          "io_uring_setup 425 init_module 105 kexec_load 104 chroot 51 swapon 224");
my %more = (x86_64 => [41, 135], aarch64 => [198, 92]);
chomp(my $machine = `uname -m`);
my %calls = split / /, $numbers{$machine};
my ($socket, $personality) = @{$more{$machine}};
sub refused { return syscall($_[0], $_[1], 1, 0, 0, 0) == -1 && $! == 1 }
for my $name (sort keys %calls) { print "$name\n" unless refused($calls{$name}, 0) }
print "AF_VSOCK\n" unless refused($socket, 40);
print "personality\n" unless refused($personality, 4);
print "AF_UNIX is refused\n" if refused($socket, 1);
print "tried\n";
"""
# KILL is missed only when a process of another uid has to be ended.
NEEDED_TO_START = ("SYS_ADMIN", "SETUID", "SETGID", "SETPCAP")
YAMA = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")
# A profile's rule for seccomp(2) that lets nobody ask for a listener (flag 8).
NO_LISTENER = {"names": ["seccomp"], "action": "SCMP_ACT_ALLOW",
               "args": [{"index": 1, "value": 8, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]}


def profile_words(engine, space):
    """What the launcher starts a container with, up to the image."""
    line = engine.run([*engine.line(space, "true")[:-2], "--dry-run", "--", "true"]).stdout
    words = subprocess.run(["bash", "-c", f'printf "%s\\n" {line}'], text=True, capture_output=True,
                           check=True).stdout.splitlines()
    return words[words.index("docker") + 1:words.index(IMAGE)]


def without(words, capability):
    at = next(i for i, word in enumerate(words) if word == capability)
    return words[:at - 1] + words[at + 1:]


def try_calls(engine, words):
    done = engine.docker(*words, "--entrypoint", "/usr/bin/perl", IMAGE, "-e", REFUSED)
    check("what a session does not need is refused", done.stdout == "tried\n", done)
    loose = [word if "seccomp=" not in word else "seccomp=unconfined" for word in words]
    done = engine.docker(*loose, "--entrypoint", "/usr/bin/perl", IMAGE, "-e", REFUSED)
    check("... by the profile, not by something else", len(done.stdout.splitlines()) > 3, done)


def try_grants(engine, words):
    command = ["/bin/bash", "-c", "sleep 0.2 & kill $!; id -un; exit 3"]
    whole = engine.docker(*words, IMAGE, "--", *command)
    check("it is enough", (whole.returncode, whole.stdout) == (3, "agentuser\n"), whole)
    for capability in NEEDED_TO_START:
        done = engine.docker(*without(words, capability), IMAGE, "--", *command)
        check(f"without {capability} no session starts, in one line", done.returncode == 125 and
              done.stderr.startswith("agent-init: ") and done.stderr.count("\n") == 1, done)
    done = engine.docker(*without(words, "SYS_PTRACE"), IMAGE, "--", *command)
    if not YAMA.exists() or int(YAMA.read_text()) <= 1:
        check("without SYS_PTRACE it is enough, too", (done.returncode, done.stdout) ==
              (3, "agentuser\n"), done)
    trap = ["--engine-trap", "trace"]
    done = engine.docker(*without(words, "SYS_PTRACE"), IMAGE, *trap, "--", *command)
    check("... and with a tracer", (done.returncode, done.stdout) == (3, "agentuser\n"), done)
    done = engine.docker("run", "--rm", "--read-only", "--cap-add", "SYS_ADMIN", IMAGE, "--", *command)
    check("Docker's own profile is not enough, and it is said in one line", done.returncode == 125 and
          done.stderr.count("\n") == 1, done)


def no_listener(engine, words):
    """A profile of somebody else's that does not let the exec trap have its first engine."""
    profile = json.loads((TOP / "policy/seccomp/container.json").read_text())
    for rule in profile["syscalls"]:
        rule["names"] = [name for name in rule["names"] if name != "seccomp"]
    profile["syscalls"].append(NO_LISTENER)
    path = engine.run_dir / "no-listener.json"
    path.write_text(json.dumps(profile))
    other = [f"seccomp={path}" if word.startswith("seccomp=") else word for word in words]
    command = ["--", "/bin/bash", "-c", "id -un; exit 3"]
    done = engine.docker(*other, IMAGE, "--verbose", *command)
    check("without a listener the exec trap's other engine is taken, and it is said",
          (done.returncode, done.stdout) == (3, "agentuser\n") and
          "engine notify does not work here: install a seccomp filter: EPERM" in done.stderr, done)
    done = engine.docker(*other, IMAGE, "--engine-trap", "notify", *command)
    check("... or one line says that it cannot be had", done.returncode == 125 and
          "--engine-trap notify does not work here: " in done.stderr and done.stderr.count("\n") == 1, done)


def first_process(engine, words):
    done = engine.docker(*words[:1], "--init", *words[1:], IMAGE, "--", "true")
    check("agent-init behind another init refuses", done.returncode == 125 and
          "must be its first process" in done.stderr, done)


def covered(engine, space):
    script = "/usr/bin/stat -L -c '%F' /proc/keys /proc/timer_list; /usr/bin/cat /proc/keys; ls /proc/acpi"
    done = engine.session(space, script)
    check("what Docker covers in /proc is covered for commands",
          done.stdout == "character special file\n" * 2, done)
    open_view = engine.docker("run", "--rm", "--security-opt", "systempaths=unconfined", "--entrypoint",
                              "/bin/cat", IMAGE, "/proc/keys")
    check("... where it would be there to read", open_view.stdout != "", open_view)


with Engine() as ours:
    ours.image()
    directory = ours.workspace()
    profile = profile_words(ours, directory)
    check("the profile names a file of ours", any(str(TOP / "policy/seccomp") in word for word in profile),
          profile)
    for test in (try_calls, try_grants, no_listener, first_process):
        test(ours, profile)
    covered(ours, directory)
finish()
