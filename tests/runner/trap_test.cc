// The exec path on the kernel, without init: trap, redirect, relay, sandbox, exit.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "os/text.h"
#include "tests/runner/trap_harness.h"
#include "tests/support/skip.h"

namespace {

using test_support::output_of;
using test_support::spawn_and_wait;
using test_support::TrapHarness;

constexpr char kPolicy[] = R"({
  "mode": "enforce", "default_profile": "task", "task_run_profile": "isolated",
  "require": {},
  "profiles": {
    "task": {"pidns": "session", "on_exit": "linger", "env": {"allow": ["*"], "deny": ["*_TOKEN"]}},
    "isolated": {"pidns": "command", "on_exit": "kill", "env": {"allow": ["*"]}},
    "narrow": {"pidns": "session", "on_exit": "kill", "env": {"allow": ["*"]}, "write": ["/tmp"]},
    "short": {"pidns": "session", "on_exit": "kill", "env": {"allow": ["*"]},
              "limits": {"wall_seconds": 1}}
  },
  "rules": [
    {"id": "no-curl", "verdict": "deny", "match": {"path": ["**/env"]}, "reason": "not here"},
    {"id": "quiet", "verdict": "deny", "silent": true, "match": {"path": ["**/who"]}, "reason": "x"},
    {"id": "own-namespace", "verdict": "run", "profile": "isolated", "match": {"path": ["**/nice"]}},
    {"id": "narrow", "verdict": "run", "profile": "narrow", "match": {"path": ["**/dash"]}},
    {"id": "timed", "verdict": "run", "profile": "short", "match": {"path": ["**/sleep"]}},
    {"id": "run", "verdict": "run"}
  ]
})";

// Runs the body as the CLI; each failed expectation is a bit of its exit code.
#define AS_CLI(harness, body)                                          \
  do {                                                                 \
    REQUIRE_MESSAGE((harness).problem().empty(), (harness).problem()); \
    const auto cli_status = (harness).as_cli(body);                    \
    CHECK(cli_status.text() == "exit code 0");                         \
  } while (false)

bool expect(bool holds, const char* what, const std::string& seen) {
  if (!holds) std::printf("as the CLI: %s, but saw: %s\n", what, os::printable(seen).c_str());
  std::fflush(stdout);
  return holds;
}

}  // namespace

TEST_CASE("a command of the CLI runs as agentuser, without a capability, behind a filter") {
  TrapHarness harness(kPolicy);
  AS_CLI(harness, [] {
    bool ok = expect(output_of({"/usr/bin/id", "-u"}) == "1000\n", "uid 1000",
                     output_of({"/usr/bin/id", "-u"}));
    const auto status = output_of(
        {"/usr/bin/grep", "-E", "CapEff|CapBnd|NoNewPrivs|Seccomp:", "/proc/self/status"});
    ok &= expect(status ==
                     "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
                     "NoNewPrivs:\t1\nSeccomp:\t2\n",
                 "nothing to gain", status);
    return ok ? 0 : 1;
  });
}

TEST_CASE("every exit code and every deadly signal of a command is the caller's to see") {
  TrapHarness harness(kPolicy);
  AS_CLI(harness, [] {
    bool ok = true;
    for (const int code : {0, 1, 2, 42, 126, 127, 128, 255}) {
      const int status = spawn_and_wait({"/bin/sh", "-c", os::join("exit ", code)});
      ok &= expect(WIFEXITED(status) && WEXITSTATUS(status) == code, "the code",
                   os::join(code, " ", status));
    }
    for (const int signal : {SIGTERM, SIGKILL, SIGSEGV, SIGINT, SIGHUP, SIGABRT, SIGUSR1}) {
      const int status = spawn_and_wait({"/bin/sh", "-c", os::join("kill -", signal, " $$")});
      ok &= expect(WIFSIGNALED(status) && WTERMSIG(status) == signal, "the signal",
                   os::join(signal, " ", status));
    }
    return ok ? 0 : 1;
  });
}

TEST_CASE("what the kernel would refuse is refused with the same errno, before anything happens") {
  TrapHarness harness(kPolicy);
  AS_CLI(harness, [] {
    const auto code = [](const char* path) {
      const int status = spawn_and_wait({path});
      return WIFEXITED(status) ? WEXITSTATUS(status) - 200 : -1;
    };
    bool ok = expect(code("/no/such") == ENOENT, "ENOENT", "");
    ok &= expect(code("/etc/passwd") == EACCES, "EACCES", "");
    ok &= expect(code("/etc/passwd/x") == ENOTDIR, "ENOTDIR", "");
    ok &= expect(code("/usr/bin") == EACCES, "EACCES of a directory", "");
    const int fd = ::open("/tmp/trap-test-script", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    ok &= expect(code("/tmp/trap-test-script") == ETXTBSY, "ETXTBSY", "");
    ::close(fd);
    ok &= expect(code("/tmp/trap-test-script") == ENOEXEC, "ENOEXEC", "");
    ::unlink("/tmp/trap-test-script");
    const std::string huge(200000, 'x');
    ok &= expect(spawn_and_wait({"/bin/true", huge}) == (200 + E2BIG % 32) << 8, "E2BIG", "");
    return ok ? 0 : 1;
  });
}

TEST_CASE("a denied command says which rule and ends with 126; a silent one is EACCES") {
  TrapHarness harness(kPolicy);
  AS_CLI(harness, [] {
    int status = 0;
    const std::string line = output_of({"/usr/bin/env"}, &status);
    bool ok =
        expect(line == "agent-task-runner: denied by rule 'no-curl': not here\n", "the line", line);
    ok &= expect(WIFEXITED(status) && WEXITSTATUS(status) == 126, "126", std::to_string(status));
    ok &= expect(spawn_and_wait({"/usr/bin/who"}) == (200 + EACCES) << 8, "EACCES", "");
    return ok ? 0 : 1;
  });
}

TEST_CASE("a command that runs out of time is ended and told so") {
  TrapHarness harness(kPolicy);
  AS_CLI(harness, [] {
    int status = 0;
    const std::string line = output_of({"/usr/bin/sleep", "30"}, &status);
    bool ok = expect(line.starts_with("agent-task-runner: ended after 1 s: the time limit"),
                     "the line", line);
    ok &= expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "SIGTERM",
                 std::to_string(status));
    return ok ? 0 : 1;
  });
}

TEST_CASE("with `pidns: command` a command sees no process but its own") {
  TrapHarness harness(kPolicy);
  AS_CLI(harness, [] {
    const auto pids = output_of({"/usr/bin/nice", "/bin/sh", "-c", "echo /proc/[0-9]*"});
    return expect(pids == "/proc/1 /proc/2\n", "two processes", pids) ? 0 : 1;
  });
}

TEST_CASE("a background child outlives its command and can be killed by the next") {
  TrapHarness harness(kPolicy);
  AS_CLI(harness, [] {
    const auto pid = output_of({"/bin/sh", "-c", "tail -f /dev/null >/dev/null 2>&1 & echo $!"});
    const auto killed =
        output_of({"/bin/sh", "-c", "kill " + pid.substr(0, pid.size() - 1) + " && echo killed"});
    return expect(killed == "killed\n", "killed", killed) ? 0 : 1;
  });
}

TEST_CASE("hundreds of execs, two programs at once, leave no wrong answer") {
  TrapHarness harness(kPolicy);
  AS_CLI(harness, [] {
    bool ok = true;
    for (int i = 0; i < 300 && ok; ++i) {
      const auto text = output_of({"/bin/sh", "-c", os::join("echo ", i, " | cat")});
      ok = expect(text == os::join(i, "\n"), "its number", text);
    }
    return ok ? 0 : 1;
  });
}

TEST_CASE("a profile's write list holds: files are made only below it") {
  TrapHarness harness(kPolicy);
  AS_CLI(harness, [] {
    const auto text =
        output_of({"/usr/bin/dash", "-c",
                   "f=trap-test-write; echo x >/tmp/$f && rm /tmp/$f && echo in; "
                   "echo x >/var/tmp/$f || echo out; echo y >/dev/null && echo null"});
    return expect(text.starts_with("in\n") &&
                      text.find("Permission denied\nout\nnull\n") != std::string::npos,
                  "only below /tmp", text)
               ? 0
               : 1;
  });
}
