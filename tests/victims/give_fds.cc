// T7: becomes another program after arranging descriptors, masks and limits in one of many ways.
//   give_fds CASE FILE PROGRAM ARGS...       FILE: a regular file with at least 10 bytes
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <map>

#include "tests/victims/victim.h"

namespace {

void at(int fd, int number) {
  if (fd == number) {
    fcntl(fd, F_SETFD, 0);
    return;
  }
  dup2(fd, number);
  close(fd);
}

int open_file(const char* file, int flags) { return open(file, flags | O_CLOEXEC); }

void several(const char* file) {
  at(open_file(file, O_RDONLY), 3);
  lseek(3, 7, SEEK_SET);
  at(open_file(file, O_WRONLY | O_APPEND), 4);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  at(ends[0], 5);
  at(ends[1], 6);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
  at(ends[0], 7);
  at(ends[1], 8);
  at(open_file("/dev/null", O_RDWR), 9);
  at(eventfd(3, EFD_CLOEXEC), 10);
  open_file(file, O_RDONLY);  // stays close-on-exec
}

void hundred(const char* file) { at(open_file(file, O_RDWR), 100); }

void limit(const char* file) {
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  at(open_file(file, O_RDONLY), static_cast<int>(files.rlim_cur) - 1);
}

void three_hundred(const char* file) {
  for (int i = 3; i < 303; ++i) at(open_file(file, O_RDONLY), i);
}

void no_stdin(const char* /*file*/) { close(0); }

void no_stdio(const char* /*file*/) {
  close(0);
  close(1);
}

void full(const char* /*file*/) { at(open_file("/dev/full", O_WRONLY), 1); }

void ignore_pipe(const char* /*file*/) { static_cast<void>(signal(SIGPIPE, SIG_IGN)); }

void signals(const char* /*file*/) {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int number : {SIGUSR1, SIGALRM, SIGRTMIN + 3}) sigaddset(&blocked, number);
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  for (const int number : {SIGHUP, SIGQUIT, SIGUSR2}) static_cast<void>(signal(number, SIG_IGN));
}

void limits(const char* /*file*/) {
  const rlimit files = {77, 99};
  setrlimit(RLIMIT_NOFILE, &files);
  umask(0027);
}

/// Not one number is free: natively an exec needs none.
void no_room(const char* /*file*/) {
  const rlimit files = {3, 3};
  setrlimit(RLIMIT_NOFILE, &files);
}

/// The same, but the hard limit leaves some.
void no_free_number(const char* file) {
  at(open_file(file, O_RDONLY), 3);
  at(open_file(file, O_RDONLY), 4);
  const rlimit files = {5, 99};
  setrlimit(RLIMIT_NOFILE, &files);
}

void epoll(const char* /*file*/) {
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  at(poller, 5);
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, void (*)(const char*)> cases = {{"plain", [](const char*) {}},
                                                              {"several", several},
                                                              {"hundred", hundred},
                                                              {"limit", limit},
                                                              {"300", three_hundred},
                                                              {"no-stdin", no_stdin},
                                                              {"no-stdio", no_stdio},
                                                              {"full", full},
                                                              {"ignore-pipe", ignore_pipe},
                                                              {"signals", signals},
                                                              {"limits", limits},
                                                              {"epoll", epoll},
                                                              {"no-free-number", no_free_number},
                                                              {"no-room", no_room}};
  if (argc < 4 || cases.count(argv[1]) == 0) return 64;
  cases.at(argv[1])(argv[2]);
  execve(argv[3], argv + 3, environ);
  victim::say("execve", victim::errno_name(errno));
  return 126;
}
