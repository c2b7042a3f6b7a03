// Threads of one process that execute at the same time, or die while they do.
//   group_execs die COUNT   a thread's exec fails where the old program is gone already
//   group_execs both COUNT  the leader and another thread execute: the process becomes the command
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "tests/victims/victim.h"

namespace {

void execute() {
  char path[] = "/bin/sh";
  char option[] = "-c";
  char script[] = "exit 7";
  char* argv[] = {path, option, script, nullptr};
  execve(path, argv, environ);
}

// The kernel answers a new program that has no room for its stack with SIGSEGV.
int die() {
  std::thread([] {
    const rlimit little{1 << 16, 1 << 16};
    setrlimit(RLIMIT_AS, &little);
    execute();
    _exit(99);
  }).join();
  return 98;
}

int both() {
  std::atomic<int> ready{0};
  const auto together = [&] {
    ++ready;
    while (ready < 2) {
    }
    execute();
    // The other one's exec has come first, and ends this thread.
    for (;;) pause();
  };
  std::thread other(together);
  together();
  return 98;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) victim::give_up("wants die|both COUNT");
  const bool dies = std::string(argv[1]) == "die";
  const std::string wanted = dies ? "signal 11" : "exit 7";
  const long count = victim::number(argv[2]);
  long wrong = 0;
  for (long i = 0; i < count; ++i) {
    const std::string end = victim::in_child(dies ? die : both);
    if (end == wanted) continue;
    ++wrong;
    victim::say("wrong end", end);
  }
  victim::say("runs", std::to_string(count));
  victim::say("wrong", std::to_string(wrong));
  return 0;
}
