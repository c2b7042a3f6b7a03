// A command that tries to leave its sandbox by the descriptors and the directory it was given.
//   leave_by_fd SECRET      SECRET: an absolute path that exists outside only
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <csignal>
#include <vector>

#include "tests/victims/victim.h"

namespace {

std::vector<int> open_fds() {
  std::vector<int> fds;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return fds;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const auto fd = static_cast<int>(victim::number(entry->d_name));
    if (fd != dirfd(directory)) fds.push_back(fd);
  }
  closedir(directory);
  return fds;
}

std::string target_of(int fd) {
  char target[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(link.c_str(), target, sizeof(target));
  return length < 0 ? "?" : std::string(target, static_cast<std::size_t>(length));
}

/// True when the secret can be opened from `fd`, going up first.
bool leads_out(int fd, const std::string& secret) {
  std::string up;
  const std::string names[] = {secret.substr(1), "root" + secret,
                               secret.substr(secret.rfind('/') + 1)};
  for (int steps = 0; steps < 12; ++steps) {
    for (const std::string& name : names) {
      if (openat(fd, (up + name).c_str(), O_RDONLY | O_CLOEXEC) != -1) return true;
    }
    up += "../";
  }
  return false;
}

bool enters(int fd) {
  const int here = open(".", O_PATH | O_CLOEXEC);
  const bool entered = fchdir(fd) == 0 && (access("/run/agent-init", F_OK) == 0 ||
                                           access("../run/agent-init", F_OK) == 0 ||
                                           access("../../../run/agent-init", F_OK) == 0);
  if (fchdir(here) != 0) return true;
  return entered;
}

void try_fd(int fd, const std::string& secret) {
  struct stat info = {};
  fstat(fd, &info);
  const std::string what = "fd " + std::to_string(fd) + " " + target_of(fd);
  char byte = 0;
  if (S_ISREG(info.st_mode))
    victim::say(what, "readable file: " + std::string(pread(fd, &byte, 1, 0) > 0 ? "yes" : "no"));
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const bool again = leads_out(open(link.c_str(), O_RDONLY | O_CLOEXEC), secret);
  const bool out = leads_out(fd, secret) || again || enters(fd);
  victim::say(what, out ? "LEADS OUT" : "inside");
  if (target_of(fd).find("pidfd") != std::string::npos) {
    victim::say(what, "signal by pidfd " +
                          victim::outcome(syscall(SYS_pidfd_send_signal, fd, 0, nullptr, 0)));
    victim::say(what, "getfd by pidfd " + victim::outcome(syscall(SYS_pidfd_getfd, fd, 0, 0)));
  }
  if (target_of(fd).find("ns") == 0) victim::say(what, "setns " + victim::outcome(setns(fd, 0)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  const std::string secret = argv[1];
  char cwd[4096];
  victim::say("cwd", getcwd(cwd, sizeof(cwd)) != nullptr ? cwd : victim::errno_name(errno));
  victim::say("cwd leads", leads_out(AT_FDCWD, secret) ? "OUT" : "nowhere");
  victim::say("secret by path", victim::outcome(open(secret.c_str(), O_RDONLY | O_CLOEXEC)));
  for (const int fd : open_fds()) {
    if (fd > 2) try_fd(fd, secret);
  }
  return 0;
}
