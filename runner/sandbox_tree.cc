// All processes that descend from a parked sandbox; see runner/sandbox.h.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "runner/sandbox.h"

namespace runner::sandbox {
namespace {

// `pids` as /proc lists them, with a space after each.
void signal_each(const char* pids, int signal) {
  while (*pids != '\0') {
    char* end = nullptr;
    const long pid = std::strtol(pids, &end, 10);
    if (end == pids) return;
    ::kill(static_cast<pid_t>(pid), signal);
    pids = end;
    while (*pids == ' ') ++pids;
  }
}

}  // namespace

void signal_children(int signal) {
  char path[48];
  (void)std::snprintf(path, sizeof path, "/proc/self/task/%d/children", ::getpid());
  char list[8192];
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t size = fd >= 0 ? ::read(fd, list, sizeof list - 1) : 0;
  if (fd >= 0) ::close(fd);
  list[size > 0 ? size : 0] = '\0';
  signal_each(list, signal);
}

void kill_everything(pid_t group) {
  // As subreaper this process inherits every orphan: when the children are killed, their children
  // become ours. A tree of depth n takes n rounds.
  if (group > 0) ::kill(-group, SIGKILL);
  for (;;) {
    signal_children(SIGKILL);
    if (::waitpid(-1, nullptr, __WALL) < 0 && errno == ECHILD) return;
    while (::waitpid(-1, nullptr, __WALL | WNOHANG) > 0) {
    }
  }
}

}  // namespace runner::sandbox
