// T3: exec from a thread that is not the leader: the whole process becomes the command.
//   thread_exec COUNT
#include <thread>

#include "tests/victims/victim.h"

namespace {

int exec_in_thread() {
  std::thread([] {
    char path[] = "/bin/sh";
    char option[] = "-c";
    char script[] = "exit 7";
    char* argv[] = {path, option, script, nullptr};
    execve(path, argv, environ);
    _exit(99);
  }).join();
  return 98;
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 1 ? victim::number(argv[1]) : 100;
  long wrong = 0;
  std::string last = "none";
  for (long i = 0; i < count; ++i) {
    const std::string end = victim::in_child(exec_in_thread);
    if (end == "exit 7") continue;
    ++wrong;
    last = end;
  }
  victim::say("runs", std::to_string(count));
  victim::say("wrong", std::to_string(wrong));
  victim::say("last wrong", last);
  return 0;
}
