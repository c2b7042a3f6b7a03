// What the victims share: one line per try, "what<TAB>outcome", and the outcome of a child.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

namespace victim {

/// Prints one try and its outcome. Flushed at once: a victim may be killed by its next try.
inline void say(const std::string& what, const std::string& outcome, std::FILE* to = stdout) {
  static_cast<void>(std::fprintf(to, "%s\t%s\n", what.c_str(), outcome.c_str()));
  static_cast<void>(std::fflush(to));
}

/// Ends a victim that was called wrongly, or where it must not run.
[[noreturn]] inline void give_up(const std::string& why) {
  say("victim", why, stderr);
  std::exit(64);
}

inline std::string errno_name(int code) {
  const char* name = strerrorname_np(code);
  return name != nullptr ? name : std::to_string(code);
}

/// The outcome of a system call that gives -1 and errno, or a value.
inline std::string outcome(long result) { return result == -1 ? errno_name(errno) : "ok"; }

/// `exit 3`, `signal 9`, `stop 19`, `continued`: a wait status in words.
inline std::string status_text(int status) {
  if (WIFEXITED(status)) return "exit " + std::to_string(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  if (WIFSTOPPED(status)) return "stop " + std::to_string(WSTOPSIG(status));
  return "continued";
}

/// Waits for a child and gives its end in words.
inline std::string end_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) == -1) {
    if (errno != EINTR) return errno_name(errno);
  }
  return status_text(status);
}

/// Runs `attempt` in a forked child, which exits with what it gives, and tells how that child
/// ended.
template <class Attempt>
std::string in_child(Attempt attempt) {
  static_cast<void>(std::fflush(stdout));
  const pid_t child = fork();
  if (child == 0) {
    const int code = attempt();
    static_cast<void>(std::fflush(stdout));
    _exit(code);
  }
  return child == -1 ? errno_name(errno) : end_of(child);
}

/// Ends a victim that would harm the machine if root ran it outside of any sandbox.
inline void refuse_root() {
  if (getuid() == 0) give_up("does harm as root");
}

/// The bytes of a file; none where it cannot be read.
inline std::string bytes_of(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

/// The whole number in `text`; a victim called wrongly ends at once.
inline long number(const char* text) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 0);
  if (end == text || *end != '\0') give_up(std::string("not a number: ") + text);
  return value;
}

}  // namespace victim
