// T3 and T4: executes a path while others change what its string, page or descriptors mean.
//   racer KIND TRIES RACERS EVIL
// KIND thread    racing threads share memory with a vfork child
//      sibling   racing threads are siblings of the thread that execs
//      process   a CLONE_VM process races
//      alias     other processes write through their own mappings of the same page
//      dup2      racing threads share the descriptor table and put EVIL over every free number
//      unmap     a racing thread takes the page away and gives it back
//      relay-page  racing threads write EVIL's path where engine trace has that of the relay
// EVIL exits 70 as agentcli, 71 as anybody else. The string alternates between "/bin/true" and
// "/bin/true" + EVIL: its terminating NUL is what an exec by descriptor would take as empty path.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>

#include <atomic>
#include <csignal>
#include <ctime>
#include <map>
#include <new>
#include <thread>
#include <vector>

#include "tests/victims/victim.h"

namespace {

constexpr std::size_t kPage = 4096;
constexpr char kGood[] = "/bin/true";
constexpr std::size_t kEnd = sizeof(kGood) - 1;

struct Stage {
  char* path = nullptr;  // what is executed; the page is shared with every child
  int evil_fd = -1;
  std::atomic<int>* exec_error = nullptr;  // shared with every child
  std::string evil;
};

long racers = 1;

void pause_a_little(unsigned step) {
  // Racers rest now and then, or the exec itself would never get a CPU: together they use one.
  if (step % 64 != 0) return;
  const timespec rest = {0, 10'000 * racers + static_cast<long>(step % 7) * 1000};
  nanosleep(&rest, nullptr);
}

void spin(unsigned rounds) {
  for (unsigned i = 0; i < rounds; ++i) asm volatile("");
}

void flip_end(const Stage& stage, unsigned step) {
  volatile char* end = stage.path + kEnd;
  *end = '/';
  spin(50 + step % 200);
  *end = '\0';
  pause_a_little(step);
}

void steal_numbers(const Stage& stage, unsigned step) {
  constexpr int kFirst = 3;
  constexpr int kLast = 12;
  for (int fd = kFirst; fd <= kLast; ++fd) {
    if (fd != stage.evil_fd) dup3(stage.evil_fd, fd, O_CLOEXEC);
  }
  for (int fd = kFirst; fd <= kLast; ++fd) {
    if (fd != stage.evil_fd) close(fd);
  }
  pause_a_little(step * 16);
}

void take_page(const Stage& stage, unsigned step) {
  mprotect(stage.path, kPage, PROT_NONE);
  mprotect(stage.path, kPage, PROT_READ | PROT_WRITE);
  pause_a_little(step);
}

// The page's place and content, as runner/trace_engine.cc has them.
constexpr std::uintptr_t kRelayPage = 0x100000;
constexpr char kRelay[] = "/libexec/agent-relay";

char* take_relay_page() {
  void* place = reinterpret_cast<void*>(kRelayPage);  // NOLINT(performance-no-int-to-ptr)
  void* page =
      mmap(place, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (page == MAP_FAILED) std::exit(1);
  std::memcpy(page, kRelay, sizeof kRelay);
  return static_cast<char*>(page);
}

void flip_relay(const Stage& stage, unsigned step) {
  static char* const page = take_relay_page();
  std::memcpy(page, stage.evil.c_str(), stage.evil.size() + 1);
  spin(50 + step % 200);
  std::memcpy(page, kRelay, sizeof kRelay);
  pause_a_little(step);
}

using Race = void (*)(const Stage&, unsigned);

[[noreturn]] void race_forever(Race race, const Stage& stage) {
  for (unsigned step = 1;; ++step) race(stage, step);
}

void exec_now(const Stage& stage) {
  char name[] = "true";
  char option[] = "--status";
  char* argv[] = {name, option, nullptr};
  execve(stage.path, argv, environ);
  stage.exec_error->store(errno);
  _exit(99);
}

int clone_entry(void* stage) {
  exec_now(*static_cast<const Stage*>(stage));
  return 99;
}

/// Shares even the thread-local memory of the main thread: nothing here may touch errno.
int race_entry(void* stage) {
  volatile char* end = static_cast<const Stage*>(stage)->path + kEnd;
  for (unsigned step = 1;; ++step) {
    *end = '/';
    spin(50 + step % 200);
    *end = '\0';
    if (step % 64 == 0) sched_yield();
  }
}

pid_t start_clone(int (*entry)(void*), const Stage& stage, int flags) {
  constexpr std::size_t kStack = 64UL * 1024;
  static std::map<int (*)(void*), std::vector<char>> stacks;
  std::vector<char>& stack = stacks[entry];
  stack.resize(kStack);
  return clone(entry, stack.data() + kStack, flags | SIGCHLD, const_cast<Stage*>(&stage));
}

pid_t start_sibling(const Stage& stage) {
  const pid_t child = fork();
  if (child != 0) return child;
  for (long i = 0; i < racers; ++i) std::thread([&] { race_forever(flip_end, stage); }).detach();
  exec_now(stage);
  return -1;
}

std::string word_for(const std::string& end, int exec_error) {
  if (exec_error != 0) return victim::errno_name(exec_error);
  if (end == "exit 0") return "true-ran";
  if (end == "exit 70") return "ESCAPED";
  if (end == "exit 71") return "evil-ran-as-other";
  if (end == "signal 9") return "killed";
  return end;
}

void* shared_page() {
  void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) std::exit(1);
  return page;
}

Stage set_stage(const std::string& evil) {
  Stage stage;
  stage.path = static_cast<char*>(shared_page());
  stage.exec_error = new (shared_page()) std::atomic<int>(0);
  stage.evil = evil;
  std::memcpy(stage.path, kGood, sizeof(kGood));
  // evil starts with '/', the byte that the racers put in place of the NUL.
  std::memcpy(stage.path + kEnd + 1, evil.c_str() + 1, evil.size());
  const int evil_fd = open(evil.c_str(), O_RDONLY | O_CLOEXEC);
  stage.evil_fd = fcntl(evil_fd, F_DUPFD_CLOEXEC, 40);
  close(evil_fd);
  return stage;
}

/// Starts the racers that outlive every try and gives those that are processes. The sibling kind
/// makes its own for each try.
std::vector<pid_t> start_racers(const std::string& kind, const Stage& stage) {
  if (kind == "process") return {start_clone(race_entry, stage, CLONE_VM)};
  std::vector<pid_t> processes;
  const std::map<std::string, Race> races = {
      {"dup2", steal_numbers}, {"unmap", take_page}, {"relay-page", flip_relay}};
  const auto found = races.find(kind);
  const Race race = found != races.end() ? found->second : flip_end;
  for (long i = 0; i < racers && kind != "sibling"; ++i) {
    if (kind != "alias") {
      std::thread([&stage, race] { race_forever(race, stage); }).detach();
      continue;
    }
    processes.push_back(fork());
    if (processes.back() == 0) race_forever(race, stage);
  }
  return processes;
}

pid_t start_try(const std::string& kind, const Stage& stage) {
  if (kind == "sibling") return start_sibling(stage);
  if (kind == "dup2") return start_clone(clone_entry, stage, CLONE_VM | CLONE_VFORK | CLONE_FILES);
  if (kind == "alias") {
    const pid_t child = fork();
    if (child == 0) exec_now(stage);
    return child;
  }
  const pid_t child = vfork();      // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (child == 0) exec_now(stage);  // NOLINT(clang-analyzer-unix.Vfork): it execs or exits
  return child;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 64;
  const std::string kind = argv[1];
  const long tries = victim::number(argv[2]);
  racers = victim::number(argv[3]);
  static Stage stage = set_stage(argv[4]);
  const std::vector<pid_t> processes = start_racers(kind, stage);
  std::map<std::string, long> words;
  for (long i = 0; i < tries; ++i) {
    stage.exec_error->store(0);
    const pid_t child = start_try(kind, stage);
    const std::string end = child == -1 ? victim::errno_name(errno) : victim::end_of(child);
    ++words[word_for(end, stage.exec_error->load())];
  }
  for (const auto& [word, count] : words) victim::say(word, std::to_string(count));
  victim::say("tries", std::to_string(tries));
  for (const pid_t process : processes) kill(process, SIGKILL);
  _exit(0);  // the racing threads never end
}
