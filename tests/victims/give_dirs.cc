// The vendor CLI passes descriptors that lead out of a sandbox, or works in a directory outside it.
//   give_dirs CASE SECRET PROGRAM ARGS...    SECRET: a file that only the CLI may read
// Spawns PROGRAM with them. First shows that each way does lead to the secret for the CLI itself.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <vector>

#include "tests/victims/victim.h"

namespace {

void open_all(const std::vector<std::string>& paths, int flags) {
  for (const std::string& path : paths) {
    const int fd = open(path.c_str(), flags);  // NOLINT(android-cloexec-open): it is to be passed
    if (fd == -1) victim::say("open " + path, victim::errno_name(errno));
  }
}

void give(const std::string& what, const std::string& secret) {
  const std::string dir = secret.substr(0, secret.rfind('/'));
  if (what == "directories") open_all({"/", "/workspace", "/usr", dir, "/tmp"}, O_RDONLY);
  if (what == "path-only") open_all({"/", "/workspace", "/usr", dir, "/tmp"}, O_PATH);
  if (what == "proc") {
    open_all({"/proc", "/proc/self", "/proc/1", "/proc/self/fd", "/proc/self/ns"}, O_RDONLY);
    open_all({"/proc/self/environ", "/proc/self/maps", "/proc/self/mem"}, O_RDONLY);
    open_all({"/proc/self/root", "/proc/self/cwd", "/proc/self/exe"}, O_PATH);
    open_all({"/proc/self/ns/mnt", "/proc/self/ns/pid"}, O_RDONLY);
  }
  if (what == "secret-file") {
    open_all({secret}, O_RDONLY);
    open_all({secret}, O_PATH);
  }
  if (what == "pidfd") {
    const long pidfd = syscall(SYS_pidfd_open, getpid(), 0);
    fcntl(static_cast<int>(pidfd), F_SETFD, 0);
  }
  if (what == "cwd" && chdir(dir.c_str()) != 0) victim::say("chdir", victim::errno_name(errno));
  if (what == "cwd-usr" && chdir("/usr") != 0) victim::say("chdir", victim::errno_name(errno));
}

void control(const std::string& secret) {
  victim::say("control: the CLI reads the secret",
              victim::outcome(open(secret.c_str(), O_RDONLY | O_CLOEXEC)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 64;
  control(argv[2]);
  give(argv[1], argv[2]);
  victim::say("command", victim::in_child([argv] {
                execv(argv[3], argv + 3);
                return errno;
              }));
  return 0;
}
