// T5: a storm of SIGUSR1, caught by a handler, hits a process while it execs.
//   signal_storm interrupt|restart COUNT DIR PROGRAM...     restart: the handler has SA_RESTART
// Each try has a number; the command appends "N\n" to DIR/runs, where PROGRAM... is run with the
// number as last argument. The storm ends when the exec is seen (its close-on-exec pipe closes).
// A command may die of a signal already on its way, natively too; it must never run twice, run
// although its exec failed, or seem to be killed by anything else.
#include <fcntl.h>
#include <poll.h>

#include <csignal>
#include <ctime>
#include <fstream>
#include <map>
#include <vector>

#include "tests/victims/victim.h"

namespace {

void ignore_signal(int) {}

struct Try {
  std::string number;
  std::string end;  // of the child
  int exec_error = 0;
};

[[noreturn]] void exec_in_storm(std::vector<char*>& argv, int report) {
  execve(argv[0], argv.data(), environ);
  const int error = errno;
  static_cast<void>(signal(SIGUSR1, SIG_IGN));
  if (write(report, &error, sizeof(error)) < 0) _exit(98);
  _exit(99);
}

/// Signals until the pipe has something to tell: its end means that the exec has happened. Every
/// other try gets a signal now and then, so that more commands outlive the last one.
int storm(pid_t child, int report, long i) {
  pollfd wait = {report, POLLIN, 0};
  while (poll(&wait, 1, 0) == 0) {
    const timespec rest = {0, 50'000 + i % 8 * 100'000};
    if (i % 2 == 0) nanosleep(&rest, nullptr);
    if (i % 2 != 0 || poll(&wait, 1, 0) == 0) kill(child, SIGUSR1);
  }
  int error = 0;
  return read(report, &error, sizeof(error)) == sizeof(error) ? error : 0;
}

Try run_one(long i, char** command) {
  Try result;
  result.number = std::to_string(i);
  std::vector<char*> argv;
  for (; *command != nullptr; ++command) argv.push_back(*command);
  argv.push_back(result.number.data());
  argv.push_back(nullptr);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) std::exit(1);
  const pid_t child = fork();
  if (child == 0) {
    close(report[0]);
    exec_in_storm(argv, report[1]);
  }
  close(report[1]);
  result.exec_error = storm(child, report[0], i);
  close(report[0]);
  result.end = victim::end_of(child);
  return result;
}

std::map<std::string, long> runs_of(const std::string& file) {
  std::map<std::string, long> runs;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) ++runs[line];
  return runs;
}

void judge(const std::vector<Try>& tries, std::map<std::string, long> runs) {
  long twice = 0;
  long lost = 0;
  long after_failure = 0;
  std::map<std::string, long> ends;
  for (const Try& one : tries) {
    const long times = runs[one.number];
    twice += times > 1;
    lost += one.exec_error == 0 && one.end == "exit 0" && times == 0;
    after_failure += one.exec_error != 0 && times != 0;
    ++ends[one.exec_error != 0 ? victim::errno_name(one.exec_error) : one.end];
  }
  for (const auto& [end, count] : ends) victim::say("end " + end, std::to_string(count));
  victim::say("ran-twice", std::to_string(twice));
  victim::say("success-without-run", std::to_string(lost));
  victim::say("run-after-failure", std::to_string(after_failure));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 64;
  struct sigaction action = {};
  action.sa_handler = ignore_signal;
  if (std::string(argv[1]) == "restart") action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  std::vector<Try> tries;
  for (long i = 0; i < victim::number(argv[2]); ++i) tries.push_back(run_one(i, argv + 4));
  judge(tries, runs_of(std::string(argv[3]) + "/runs"));
  return 0;
}
