// Starts a program in each way C offers and says how it ended.
//
// usage: spawn WAY PROGRAM [ARGUMENT...]
//
// Prints "WAY: exited N", "WAY: killed by N" or "WAY: errno NAME". Ways that replace this process
// print nothing. Linked dynamically, statically and as a static PIE by the build.
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

/** What a way needs: the program as written and its argument vector, program included. */
struct Command {
  const char* program;
  char** argv;
};

void report(const char* way, int status) {
  if (WIFEXITED(status)) {
    std::printf("%s: exited %d\n", way, WEXITSTATUS(status));
  } else {
    std::printf("%s: killed by %d\n", way, WTERMSIG(status));
  }
}

int report_errno(const char* way, int code) {
  std::printf("%s: errno %s\n", way, strerrorname_np(code));
  return 1;
}

/** Waits for one child and prints how it ended. */
int wait_and_report(const char* way, pid_t child) {
  if (child < 0) {
    return report_errno(way, errno);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  report(way, status);
  return 0;
}

/** The directory part of a path opened for execveat; the part behind the slash is returned. */
int open_directory_of(const char* path, std::string& name) {
  const std::string whole = path;
  const auto slash = whole.rfind('/');
  name = whole.substr(slash + 1);
  return open(whole.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int raw_execveat(int directory, const char* name, char** argv, int flags) {
  return static_cast<int>(syscall(SYS_execveat, directory, name, argv, environ, flags));
}

/** Executes the command in this process in the named way; returns only when that failed. */
void execute(const std::string& way, const Command& command) {
  if (way == "execv") {
    execv(command.program, command.argv);
  } else if (way == "execvp") {
    execvp(command.program, command.argv);
  } else if (way == "execve-empty-environment") {
    char* none[] = {nullptr};
    execve(command.program, command.argv, none);
  } else if (way == "execve-null-environment") {
    syscall(SYS_execve, command.program, command.argv, nullptr);
  } else if (way == "execve-odd-environment") {
    char twice[] = "A=1", again[] = "A=2", nameless[] = "no-name", empty[] = "=empty",
         equals[] = "B=a=b", lines[] = "C=two\nlines";
    char* odd[] = {twice, again, nameless, empty, equals, lines, nullptr};
    execve(command.program, command.argv, odd);
  } else if (way == "execveat-directory") {
    std::string name;
    const int directory = open_directory_of(command.program, name);
    raw_execveat(directory, name.c_str(), command.argv, 0);
  } else if (way == "execveat-empty-path") {
    const int file = open(command.program, O_PATH | O_CLOEXEC);
    raw_execveat(file, "", command.argv, AT_EMPTY_PATH);
  } else if (way == "execveat-kept-open") {
    const int file = open(command.program, O_RDONLY);  // NOLINT: meant to survive the exec
    raw_execveat(file, "", command.argv, AT_EMPTY_PATH);
  } else if (way == "execveat-nofollow") {
    raw_execveat(AT_FDCWD, command.program, command.argv, AT_SYMLINK_NOFOLLOW);
  } else if (way == "execveat-bad-flag") {
    raw_execveat(AT_FDCWD, command.program, command.argv, 0x40000000);
  } else if (way == "fexecve") {
    const int file = open(command.program, O_RDONLY | O_CLOEXEC);
    fexecve(file, command.argv, environ);
  } else if (way == "exec-from-thread") {
    int code = 0;
    std::thread([&] {
      execv(command.program, command.argv);
      code = errno;
    }).join();
    errno = code;
  } else {
    errno = ENOTSUP;
  }
}

/** Forks (or vforks) and executes in the child; the errno of a failed exec is the child's status.
 */
int by_fork(const char* name, const std::string& way, const Command& command) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    execute(way, command);
    std::printf("%s: errno %s\n", name, strerrorname_np(errno));
    std::fflush(stdout);
    _exit(126);
  }
  return wait_and_report(name, child);
}

int by_vfork(const char* name, const Command& command, bool search) {
  const std::string before = command.program;
  volatile int code = 0;
  const pid_t child = vfork();
  if (child == 0) {
    search ? execvp(command.program, command.argv) : execv(command.program, command.argv);
    code = errno;
    _exit(126);
  }
  if (before != command.program) {
    std::printf("%s: the path string of the parent changed\n", name);
  }
  if (code != 0) {
    waitpid(child, nullptr, 0);
    return report_errno(name, code);
  }
  return wait_and_report(name, child);
}

int by_posix_spawn(const char* name, const Command& command, bool search) {
  pid_t child = -1;
  const int code =
      search ? posix_spawnp(&child, command.program, nullptr, nullptr, command.argv, environ)
             : posix_spawn(&child, command.program, nullptr, nullptr, command.argv, environ);
  return code != 0 ? report_errno(name, code) : wait_and_report(name, child);
}

/** posix_spawn with a file opened, one duplicated, a new session, default signals and a mask. */
int by_posix_spawn_with_actions(const char* name, const Command& command) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 7, "spawned", O_WRONLY | O_CREAT | O_TRUNC, 0640);
  posix_spawn_file_actions_adddup2(&actions, 1, 9);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  posix_spawnattr_setsigmask(&attributes, &mask);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  pid_t child = -1;
  const int code =
      posix_spawn(&child, command.program, &actions, &attributes, command.argv, environ);
  return code != 0 ? report_errno(name, code) : wait_and_report(name, child);
}

/** The command line of `system` and `popen`: the arguments joined by spaces. */
std::string shell_line(const Command& command) {
  std::string line;
  for (char** word = command.argv; *word != nullptr; ++word) {
    line += std::string(line.empty() ? "" : " ") + *word;
  }
  return line;
}

int by_popen(const char* name, const Command& command, const char* mode) {
  FILE* stream = popen(shell_line(command).c_str(), mode);
  if (stream == nullptr) {
    return report_errno(name, errno);
  }
  if (*mode == 'w') {
    std::fputs("from the parent\n", stream);
  } else {
    char line[256];
    while (std::fgets(line, sizeof line, stream) != nullptr) {
      std::printf("read: %s", line);
    }
  }
  report(name, pclose(stream));
  return 0;
}

/** Sixteen threads spawn ten times each; prints how many runs ended as the first one did. */
int by_threads(const char* name, const Command& command) {
  std::vector<int> same(16, 0);
  std::vector<std::thread> threads;
  for (int& count : same) {
    threads.emplace_back([&count, &command] {
      for (int run = 0; run < 10; ++run) {
        pid_t child = -1;
        int status = -1;
        if (posix_spawn(&child, command.program, nullptr, nullptr, command.argv, environ) == 0 &&
            waitpid(child, &status, 0) == child && WIFEXITED(status)) {
          count += WEXITSTATUS(status) == 7 ? 1 : 0;
        }
      }
    });
  }
  int total = 0;
  for (std::size_t index = 0; index < threads.size(); ++index) {
    threads[index].join();
    total += same[index];
  }
  std::printf("%s: %d of 160 exited 7\n", name, total);
  return 0;
}

/** A double fork as daemons do; the grandchild executes, a pipe tells when it has ended. */
int by_daemon(const char* name, const Command& command) {
  int done[2];
  if (pipe(done) != 0) {
    return report_errno(name, errno);
  }
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() == 0) {
      execv(command.program, command.argv);
      _exit(126);
    }
    _exit(0);
  }
  close(done[1]);
  const int result = wait_and_report(name, child);
  char byte = 0;
  const ssize_t got = read(done[0], &byte, 1);
  std::printf("%s: end of the pipe: %zd\n", name, got);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    return 2;
  }
  const char* name = argv[1];
  const std::string way = name;
  const Command command{argv[2], argv + 2};
  if (way == "vfork") return by_vfork(name, command, false);
  if (way == "vfork-path") return by_vfork(name, command, true);
  if (way == "posix_spawn") return by_posix_spawn(name, command, false);
  if (way == "posix_spawnp") return by_posix_spawn(name, command, true);
  if (way == "posix_spawn-actions") return by_posix_spawn_with_actions(name, command);
  if (way == "system") {
    report(name, std::system(shell_line(command).c_str()));
    return 0;
  }
  if (way == "popen-read") return by_popen(name, command, "r");
  if (way == "popen-write") return by_popen(name, command, "w");
  if (way == "threads") return by_threads(name, command);
  if (way == "daemon") return by_daemon(name, command);
  if (way.rfind("self-", 0) == 0) {
    execute(way.substr(5), command);
    return report_errno(name, errno);
  }
  return by_fork(name, way, command);
}
