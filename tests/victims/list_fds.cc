// T7: tells about every descriptor it was started with, and about SIGPIPE, umask and masks.
//   list_fds [--where]     --where: also the path of regular files
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <set>

#include "tests/victims/victim.h"

namespace {

const char* kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFIFO:
      return "pipe";
    case S_IFSOCK:
      return "socket";
    case S_IFCHR:
      return "character device";
    default:
      return "other";
  }
}

std::string access_of(int flags) {
  if ((flags & O_PATH) != 0) return "path only";
  std::string text = (flags & O_ACCMODE) == O_RDONLY   ? "read"
                     : (flags & O_ACCMODE) == O_WRONLY ? "write"
                                                       : "read and write";
  if ((flags & O_APPEND) != 0) text += ", append";
  if ((flags & O_NONBLOCK) != 0) text += ", nonblock";
  return text;
}

std::string describe(int fd, bool where) {
  struct stat info = {};
  if (fstat(fd, &info) != 0) return victim::errno_name(errno);
  std::string text = kind_of(info.st_mode);
  text += ", " + access_of(fcntl(fd, F_GETFL));
  if (S_ISREG(info.st_mode)) text += ", at " + std::to_string(lseek(fd, 0, SEEK_CUR));
  if (S_ISCHR(info.st_mode)) text += ", device " + std::to_string(info.st_rdev);
  if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0) text += ", close-on-exec";
  char target[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = where ? readlink(link.c_str(), target, sizeof(target)) : -1;
  if (length > 0) text += " " + std::string(target, static_cast<std::size_t>(length));
  return text;
}

std::set<int> open_fds() {
  std::set<int> fds;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return fds;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') fds.insert(static_cast<int>(victim::number(entry->d_name)));
  }
  fds.erase(dirfd(directory));
  closedir(directory);
  return fds;
}

void tell_signals() {
  struct sigaction action = {};
  sigaction(SIGPIPE, nullptr, &action);
  victim::say("SIGPIPE", action.sa_handler == SIG_IGN ? "ignored" : "default", stderr);
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, nullptr, &blocked);
  for (int i = 1; i < NSIG; ++i) {
    if (sigismember(&blocked, i) == 1) victim::say("blocked", std::to_string(i), stderr);
    if (sigaction(i, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      victim::say("ignored", std::to_string(i), stderr);
  }
}

}  // namespace

// Tells on standard error: standard output is often what the test is about.
int main(int argc, char** argv) {
  const bool where = argc > 1 && std::strcmp(argv[1], "--where") == 0;
  const std::set<int> fds = open_fds();
  for (const int fd : fds) victim::say("fd " + std::to_string(fd), describe(fd, where), stderr);
  victim::say("fds", std::to_string(fds.size()), stderr);
  const mode_t mask = umask(0);
  victim::say("umask", std::to_string(mask), stderr);
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  victim::say("open files", std::to_string(files.rlim_cur), stderr);
  tell_signals();
  return 0;
}
