// T8: every way in which a child can end, stop and go on, as its parent sees it.
//   wait_status exits STEP | signals | stops | orphan | shell-only
#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>

#include <csignal>
#include <ctime>
#include <vector>

#include "tests/victims/victim.h"

namespace {

pid_t shell(const std::string& script, bool own_group = false) {
  std::string text = script;
  char name[] = "/bin/sh";
  char option[] = "-c";
  char* argv[] = {name, option, text.data(), nullptr};
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  if (own_group) {
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
  }
  pid_t child = -1;
  posix_spawn(&child, name, nullptr, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  return child;
}

void sleep_ms(long ms) {
  const timespec time = {ms / 1000, ms % 1000 * 1'000'000};
  nanosleep(&time, nullptr);
}

void exits(long step) {
  for (long code = 0; code < 256; code += step) {
    const std::string number = std::to_string(code);
    victim::say("exit " + number, victim::end_of(shell("exit " + number)));
  }
}

/// The command kills itself, then one that is killed from outside.
void signals() {
  for (int i = 1; i < NSIG; ++i) {
    if (i == SIGSTOP || i == SIGTSTP || i == SIGTTIN || i == SIGTTOU) continue;
    if (i == 32 || i == 33) continue;  // kept by the C library for itself
    const std::string number = std::to_string(i);
    victim::say("kills itself by " + number, victim::end_of(shell("kill -" + number + " $$")));
  }
  for (const int i : {SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGTERM, SIGRTMIN, SIGRTMAX}) {
    const pid_t child = shell("exec sleep 20");
    sleep_ms(50);
    kill(child, i);
    victim::say("is sent " + std::to_string(i), victim::end_of(child));
  }
}

std::string next_change(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, WUNTRACED | WCONTINUED) == -1) return victim::errno_name(errno);
  return victim::status_text(status);
}

void stops() {
  // Not at once: who has ended is told of before that it had gone on.
  const pid_t itself = shell("kill -STOP $$; sleep 0.3; exit 4");
  victim::say("stops itself", next_change(itself));
  kill(itself, SIGCONT);
  victim::say("goes on", next_change(itself));
  victim::say("ends", next_change(itself));

  // In a group of its own: the kernel ignores SIGTSTP in an orphaned one, which ours may be.
  const pid_t other = shell("trap 'exit 3' USR1; while :; do sleep 0.05; done", true);
  sleep_ms(100);
  kill(other, SIGTSTP);
  victim::say("is stopped", next_change(other));
  sleep_ms(50);
  victim::say("while stopped", std::to_string(waitpid(other, nullptr, WNOHANG)));
  kill(other, SIGCONT);
  victim::say("is continued", next_change(other));
  kill(other, SIGUSR1);
  victim::say("ends by its trap", next_change(other));
}

/// A stopped group whose last tie to the session ends gets SIGHUP and SIGCONT.
void orphan() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  const pid_t middle = fork();
  if (middle == 0) {
    dup2(ends[1], 9);
    const pid_t member = shell("trap 'echo hup >&9; exit 0' HUP; kill -STOP $$; sleep 5", true);
    int status = 0;
    waitpid(member, &status, WUNTRACED);
    _exit(0);  // the group of `member` is an orphan now
  }
  close(ends[1]);
  char text[16] = {};
  const ssize_t length = read(ends[0], text, sizeof(text) - 1);
  victim::say("orphaned stopped group", length > 0 ? std::string(text, 3) : "nothing");
  victim::end_of(middle);
}

/// USR1 to a shell with a child reaches the shell, not the child, which would die of it.
void shell_only() {
  const pid_t child = shell("trap 'echo trapped' USR1; sleep 0.4; echo child $?");
  sleep_ms(100);
  kill(child, SIGUSR1);
  victim::say("USR1 to a shell with a child", victim::end_of(child));

  const pid_t group = shell("trap 'echo trapped; exit 5' TERM; sleep 20; echo child $?", true);
  sleep_ms(100);
  kill(-group, SIGTERM);
  victim::say("TERM to a group", victim::end_of(group));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "exits") exits(argc > 2 ? victim::number(argv[2]) : 1);
  if (what == "signals") signals();
  if (what == "stops") stops();
  if (what == "orphan") orphan();
  if (what == "shell-only") shell_only();
  return 0;
}
