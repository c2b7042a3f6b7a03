// The soak: many threads start programs of every kind and look at what each of them gives.
//   mixed_execs THREADS RUNS SECONDS SEED [KIND]
// Ends when both are over, the runs and the seconds. KIND: nothing but that.
// Wants in its working directory what tests/exec_path/mixed_execs.py puts there. Prints one line
// for each kind with how often it ran, and one for each wrong result.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <ctime>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "tests/victims/victim.h"

namespace {

using Words = std::vector<std::string>;
using Random = std::mt19937;

struct Kind {
  const char* name;
  std::string (*run)(Random& random);  // what is wrong; empty: nothing
};

std::array<std::atomic<long>, 32> ran{};
std::atomic<long> runs{0};
std::atomic<long> wrong{0};
std::mutex printing;

long pick(Random& random, long least, long most) {
  return std::uniform_int_distribution<long>(least, most)(random);
}

std::string random_text(Random& random, long length) {
  std::string text(static_cast<std::size_t>(length), ' ');
  for (char& letter : text) letter = static_cast<char>(pick(random, 'a', 'z'));
  return text;
}

std::vector<char*> pointers(const Words& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

/// A pipe whose ends no other thread's child inherits.
struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) victim::give_up("pipe2: " + victim::errno_name(errno));
    read_end = ends[0];
    write_end = ends[1];
  }
};

/// What a program was given and what became of it.
struct Child {
  pid_t pid = -1;
  std::string error;  // of the start
};

/// Starts `words[0]` by posix_spawn(3) with `input` and `output` as its first two descriptors; -1:
/// inherited.
Child start(const Words& words, int input, int output, const Words& variables = {}) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input != -1) posix_spawn_file_actions_adddup2(&actions, input, 0);
  if (output != -1) posix_spawn_file_actions_adddup2(&actions, output, 1);
  Child child;
  const int error = posix_spawn(&child.pid, words[0].c_str(), &actions, nullptr,
                                pointers(words).data(), pointers(variables).data());
  if (error != 0) child.error = victim::errno_name(error);
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

/// Starts it by fork and whatever `attempt` does to execute it.
template <class Attempt>
Child fork_and(int output, Attempt attempt) {
  Child child;
  child.pid = fork();
  if (child.pid != 0) return child;
  if (output != -1) dup2(output, 1);
  attempt();
  _exit(99);
}

std::string all_from(int fd) {
  std::string text;
  std::array<char, 65536> buffer;
  ssize_t length = 0;
  while ((length = read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(length));
  }
  return length == 0 ? text : victim::errno_name(errno);
}

std::string shortened(const std::string& text) {
  return text.size() <= 60 ? text : std::to_string(text.size()) + " bytes " + text.substr(0, 40);
}

/// What differs from what was wanted.
std::string differs(const std::string& what, const std::string& got, const std::string& wanted) {
  if (got == wanted) return "";
  return what + ": got " + shortened(got) + ", wanted " + shortened(wanted);
}

/// Compares output and end of a child that was started with the writing end of `out`.
std::string ends_with(const Child& child, const Pipe& out, const std::string& output,
                      const std::string& end) {
  close(out.write_end);
  const std::string text = all_from(out.read_end);
  close(out.read_end);
  if (child.pid == -1 || !child.error.empty()) return "did not start: " + child.error;
  const std::string ended = victim::end_of(child.pid);
  std::string difference = differs("end", ended, end);
  return difference.empty() ? differs("output", text, output) : difference;
}

std::string gives(const Words& words, const std::string& output, const std::string& end,
                  const Words& variables = {}) {
  const Pipe out;
  const Child child = start(words, -1, out.write_end, variables);
  return ends_with(child, out, output, end);
}

std::string shell(const std::string& script, const std::string& output, const std::string& end) {
  return gives({"/bin/sh", "-c", script}, output, end);
}

std::string fails(const std::string& program, const std::string& error) {
  const Child child = start({program}, -1, -1);
  if (child.error.empty()) return "started, and ended with " + victim::end_of(child.pid);
  return differs("error", child.error, error);
}

std::string status(Random& random) {
  const std::string code = std::to_string(pick(random, 0, 255));
  return shell("exit " + code, "", "exit " + code);
}

std::string own_signal(Random& random) {
  const std::array signals = {SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGTERM, SIGRTMAX - 1};
  const std::string number =
      std::to_string(signals[static_cast<std::size_t>(pick(random, 0, signals.size() - 1))]);
  return shell("echo before; kill -" + number + " $$; echo after", "before\n", "signal " + number);
}

/// As much as a pipe holds: nobody need read while this writes.
std::string copied(Random& random) {
  const Pipe in;
  const Pipe out;
  const std::string text = random_text(random, pick(random, 0, 60000));
  const Child child = start({"/bin/cat"}, in.read_end, out.write_end);
  close(in.read_end);
  const auto written = write(in.write_end, text.data(), text.size());
  close(in.write_end);
  const std::string difference = ends_with(child, out, text, "exit 0");
  return written == static_cast<ssize_t>(text.size()) ? difference : "input was not taken";
}

std::string piped(Random& random) {
  const Pipe between;
  const Pipe out;
  const std::string last = std::to_string(pick(random, 1, 20000));
  const Child first = start({"/usr/bin/seq", last}, -1, between.write_end);
  const Child second = start({"/usr/bin/tail", "-n", "1"}, between.read_end, out.write_end);
  close(between.read_end);
  close(between.write_end);
  const std::string difference = ends_with(second, out, last + "\n", "exit 0");
  if (first.pid == -1) return "seq did not start: " + first.error;
  const std::string end = victim::end_of(first.pid);
  return difference.empty() ? differs("seq", end, "exit 0") : difference;
}

std::string long_argument(Random& random) {
  const long length = pick(random, 1, 130000);
  return gives({"/bin/sh", "-c", "echo ${#1} $#", "sh", random_text(random, length), "", "x"},
               std::to_string(length) + " 3\n", "exit 0");
}

std::string variable(Random& random) {
  const std::string value = random_text(random, pick(random, 0, 5000));
  return gives({"/bin/sh", "-c", "echo \"$MIXED\""}, value + "\n", "exit 0",
               {"PATH=/usr/bin:/bin", "MIXED=" + value});
}

std::string folder(Random& random) {
  const std::string name = "folder-" + std::to_string(pick(random, 0, 9));
  const Pipe out;
  const Child child = fork_and(out.write_end, [&] {
    if (chdir(name.c_str()) == 0) execl("/bin/cat", "cat", "name", nullptr);
  });
  return ends_with(child, out, name + "\n", "exit 0");
}

std::string by_directory(Random&) {
  const Pipe out;
  const Child child = fork_and(out.write_end, [] {
    const int bin = open("/usr/bin", O_PATH | O_DIRECTORY | O_CLOEXEC);
    Words words = {"echo", "by", "directory"};
    syscall(SYS_execveat, bin, "echo", pointers(words).data(), environ, 0);
  });
  return ends_with(child, out, "by directory\n", "exit 0");
}

std::string own_descriptor(Random& random) {
  const std::string name = "folder-" + std::to_string(pick(random, 0, 9));
  const Pipe out;
  const Child child = fork_and(out.write_end, [&] {
    dup2(open((name + "/name").c_str(), O_RDONLY | O_CLOEXEC), 7);
    fcntl(7, F_SETFD, 0);  // it may have been 7 from the start
    execl("/bin/sh", "sh", "-c", "cat <&7", nullptr);
  });
  return ends_with(child, out, name + "\n", "exit 0");
}

std::string limit(Random& random) {
  const auto files = static_cast<rlim_t>(pick(random, 512, 1024));  // room for all threads'
  const Pipe out;
  const Child child = fork_and(out.write_end, [&] {
    const rlimit wanted = {files, files};
    setrlimit(RLIMIT_NOFILE, &wanted);
    execl("/bin/sh", "sh", "-c", "ulimit -n", nullptr);
  });
  return ends_with(child, out, std::to_string(files) + "\n", "exit 0");
}

std::string killed(Random& random) {
  const int number = pick(random, 0, 1) == 0 ? SIGTERM : SIGKILL;
  const Child child = start({"/bin/sleep", "1000"}, -1, -1);
  if (child.pid == -1) return "did not start: " + child.error;
  usleep(static_cast<useconds_t>(pick(random, 0, 20000)));
  kill(child.pid, number);
  return differs("end", victim::end_of(child.pid), "signal " + std::to_string(number));
}

std::string stopped(Random&) {
  const Child child = start({"/bin/sh", "-c", "kill -STOP $$; exit 3"}, -1, -1);
  if (child.pid == -1) return "did not start: " + child.error;
  int state = 0;
  while (waitpid(child.pid, &state, WUNTRACED) == -1 && errno == EINTR) continue;
  std::string difference =
      differs("stop", victim::status_text(state), "stop " + std::to_string(SIGSTOP));
  if (!difference.empty()) return difference;
  kill(child.pid, SIGCONT);
  return differs("end", victim::end_of(child.pid), "exit 3");
}

std::string in_the_background(Random& random) {
  const std::string word = random_text(random, 8);
  return shell("(sleep 0.05; echo " + word + ") & wait", word + "\n", "exit 0");
}

constexpr Kind kKinds[] = {
    {"true", [](Random&) { return gives({"/bin/true"}, "", "exit 0"); }},
    {"status", status},
    {"own signal", own_signal},
    {"copied", copied},
    {"piped", piped},
    {"missing", [](Random&) { return fails("/usr/bin/no-such-program", "ENOENT"); }},
    {"not executable", [](Random&) { return fails("/etc/passwd", "EACCES"); }},
    {"directory", [](Random&) { return fails("/usr", "EACCES"); }},
    {"no interpreter", [](Random&) { return fails("./no-interpreter", "ENOENT"); }},
    {"script",
     [](Random&) {
       return gives({"./script", "word"}, "script word\n", "exit 0");
     }},
    {"long argument", long_argument},
    {"variable", variable},
    {"folder", folder},
    {"by directory", by_directory},
    {"own descriptor", own_descriptor},
    {"limit", limit},
    {"killed", killed},
    {"stopped", stopped},
    {"in the background", in_the_background},
};
static_assert(std::size(kKinds) <= std::tuple_size_v<decltype(ran)>);

double seconds_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void run_one(Random& random, const std::string& only) {
  const auto which = static_cast<std::size_t>(pick(random, 0, std::size(kKinds) - 1));
  if (!only.empty() && only != kKinds[which].name) return;
  const std::string problem = kKinds[which].run(random);
  ++ran[which];
  if (problem.empty()) return;
  ++wrong;
  const std::lock_guard lock(printing);
  victim::say(std::string("wrong ") + kKinds[which].name, problem);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) victim::give_up("wants THREADS RUNS SECONDS SEED [KIND]");
  const std::string only = argc > 5 ? argv[5] : "";
  const long wanted = victim::number(argv[2]);
  const double until = seconds_now() + static_cast<double>(victim::number(argv[3]));
  std::vector<std::thread> threads;
  for (long i = 0; i < victim::number(argv[1]); ++i) {
    threads.emplace_back([&, seed = victim::number(argv[4]) + i] {
      Random random(static_cast<Random::result_type>(seed));
      while (runs.fetch_add(1) < wanted || seconds_now() < until) run_one(random, only);
    });
  }
  for (std::thread& thread : threads) thread.join();
  long total = 0;
  for (std::size_t i = 0; i < std::size(kKinds); ++i) {
    victim::say(std::string("ran ") + kKinds[i].name, std::to_string(ran[i]));
    total += ran[i];
  }
  victim::say("runs", std::to_string(total));
  victim::say("wrong", std::to_string(wrong));
  return 0;
}
