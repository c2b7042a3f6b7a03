// A CLI that executes itself (as Codex may) while the new program is kept from its first
// instruction, and what other execs of the CLI cost meanwhile.
//   own_execs stop COUNT  it is stopped and goes on
//   own_execs write       another process writes a loop to where it begins
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <vector>

#include "tests/victims/victim.h"

namespace {

constexpr char kSelf[] = "/proc/self/exe";
constexpr char kOption[] = "--codex-run-as-process-setup";
constexpr int kStays = 40;  // what the new program exits with

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int execute(const char* path, std::vector<const char*> words, char** env) {
  words.push_back(nullptr);
  execve(path, const_cast<char**>(words.data()), env);
  return 99;
}

int execute_self() {
  char* none[] = {nullptr};
  return execute(kSelf, {"self", kOption}, none);
}

int execute_command() { return execute("/bin/true", {"true"}, environ); }

// How long the slowest of some commands took, in milliseconds.
std::string slowest_command() {
  double slowest = 0;
  for (int i = 0; i < 10; ++i) {
    const double begin = seconds_now();
    const std::string end = victim::in_child(execute_command);
    if (end != "exit 0") return end;
    slowest = std::max(slowest, seconds_now() - begin);
  }
  return std::to_string(static_cast<long>(slowest * 1000));
}

pid_t start(int (*body)()) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  return child;
}

// How a process ends that has ten seconds for it.
std::string end_in_time(pid_t child) {
  const double until = seconds_now() + 10;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (seconds_now() > until) {
      kill(child, SIGKILL);
      victim::end_of(child);
      return "none";
    }
    usleep(100);
  }
  return victim::status_text(status);
}

bool is_new(pid_t child) {
  return victim::bytes_of("/proc/" + std::to_string(child) + "/cmdline").starts_with("self");
}

// Stopped, as soon as it is the new program or a little later, once or many times: it goes on.
void stop_test(long count) {
  std::minstd_rand random(1);
  long right = 0;
  for (long i = 0; i < count; ++i) {
    const pid_t child = start(execute_self);
    const double latest = seconds_now() + 1;
    while (!is_new(child) && seconds_now() < latest) {
    }
    const double begin = seconds_now() + static_cast<double>(random() % 100) * 1e-6;
    const double until = begin + (i % 4 == 0 ? 0.003 : 0);
    while (seconds_now() < begin) {
    }
    do {
      kill(child, SIGSTOP);
      kill(child, SIGCONT);
    } while (seconds_now() < until);
    const std::string end = end_in_time(child);
    if (end == "exit " + std::to_string(kStays)) {
      ++right;
    } else {
      victim::say("wrong end", end);
    }
  }
  victim::say("right", std::to_string(right));
  victim::say("slowest", slowest_command());
}

// All code of a process that is another program already becomes a loop.
void write_loop(pid_t child) {
  if (!is_new(child)) return;
  const std::string process = "/proc/" + std::to_string(child);
  const std::string maps = victim::bytes_of(process + "/maps");
  std::istringstream lines(maps);
  const int memory = open((process + "/mem").c_str(), O_WRONLY | O_CLOEXEC);
  if (memory < 0) return;
  std::string loops;
  while (loops.size() < 4096) loops += "\xeb\xfe";  // jmp .
  for (std::string line; std::getline(lines, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    char dash = 0;
    std::string rights;
    std::istringstream words(line);
    words >> std::hex >> begin >> dash >> end >> rights;
    if (rights.find('x') == std::string::npos || line.find('/') == std::string::npos) continue;
    for (unsigned long at = begin; at < end; at += loops.size()) {
      if (pwrite(memory, loops.data(), loops.size(), static_cast<off_t>(at)) < 0) break;
    }
  }
  close(memory);
}

void write_test() {
  std::vector<pid_t> children;
  for (int i = 0; i < 50; ++i) {
    const pid_t child = start(execute_self);
    const double until = seconds_now() + 0.02;
    while (seconds_now() < until) write_loop(child);
    children.push_back(child);
  }
  victim::say("slowest", slowest_command());
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    victim::end_of(child);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == kOption) return kStays;
  if (mode == "stop" && argc > 2) stop_test(victim::number(argv[2]));
  if (mode == "write") write_test();
  return 0;
}
