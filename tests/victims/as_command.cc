// The smallest vendor CLI: spawns its arguments as one command, waits and ends as that command did.
//   as_command [--fork] PROGRAM ARGS...      --fork: fork and execvp; default: posix_spawnp
#include <spawn.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/victims/victim.h"

namespace {

pid_t start(char** argv, bool by_fork) {
  pid_t child = -1;
  if (by_fork) {
    child = fork();
    if (child == 0) {
      execvp(argv[0], argv);
      _exit(errno == ENOENT ? 127 : 126);
    }
    return child;
  }
  const int error = posix_spawnp(&child, argv[0], nullptr, nullptr, argv, environ);
  if (error == 0) return child;
  victim::say("as_command", std::string(argv[0]) + ": " + victim::errno_name(error), stderr);
  std::exit(error == ENOENT ? 127 : 126);
}

}  // namespace

int main(int argc, char** argv) {
  const bool by_fork = argc > 1 && std::strcmp(argv[1], "--fork") == 0;
  char** command = argv + (by_fork ? 2 : 1);
  if (*command == nullptr) return 64;
  int status = 0;
  const pid_t child = start(command, by_fork);
  while (waitpid(child, &status, 0) == -1 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (signal(WTERMSIG(status), SIG_DFL) != SIG_ERR) static_cast<void>(raise(WTERMSIG(status)));
  return 128 + WTERMSIG(status);
}
