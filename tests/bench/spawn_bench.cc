// Measures how long it takes to start a program and to see it end. Serves requests, so that one
// process can be measured in turns with others.
//
// Each line of standard input is a request: COUNT CALLERS PROGRAM [ARGUMENT...] (words separated
// by single spaces). CALLERS threads share COUNT runs of posix_spawn and waitpid. The answer is
// one line: RUNS MISSING OTHER ELAPSED SAMPLE..., where RUNS ended with status 0, MISSING could not
// start because the program does not exist, OTHER is every other outcome, and times are
// nanoseconds.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

long long since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

/// What the runs of one request came to.
struct Outcome {
  std::atomic<int> ran = 0;
  std::atomic<int> missing = 0;
  std::atomic<int> other = 0;
};

void run_once(std::vector<char*>& argv, Outcome& outcome) {
  pid_t child = -1;
  const int code = posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), environ);
  int status = -1;
  if (code == ENOENT) {
    ++outcome.missing;
  } else if (code == 0 && waitpid(child, &status, 0) == child && status == 0) {
    ++outcome.ran;
  } else {
    ++outcome.other;
  }
}

void answer(int count, std::size_t callers, std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  Outcome outcome;
  std::atomic<int> left = count;
  std::vector<std::vector<long long>> samples(callers);
  const auto start = Clock::now();
  const auto work = [&](std::vector<long long>& mine) {
    while (left.fetch_sub(1) > 0) {
      const auto began = Clock::now();
      run_once(argv, outcome);
      mine.push_back(since(began));
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t caller = 1; caller < callers; ++caller) {
    threads.emplace_back(work, std::ref(samples[caller]));
  }
  work(samples[0]);
  for (std::thread& thread : threads) {
    thread.join();
  }
  const long long elapsed = since(start);
  std::cout << outcome.ran << ' ' << outcome.missing << ' ' << outcome.other << ' ' << elapsed;
  for (const auto& mine : samples) {
    for (const long long sample : mine) {
      std::cout << ' ' << sample;
    }
  }
  std::cout << std::endl;
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream request(line);
    int count = 0;
    std::size_t callers = 0;
    request >> count >> callers;
    std::vector<std::string> words;
    for (std::string word; request >> word;) {
      words.push_back(word);
    }
    if (count < 1 || callers < 1 || words.empty()) {
      std::cerr << "spawn_bench: not a request: " << line << '\n';
      return 2;
    }
    answer(count, callers, std::move(words));
  }
  return 0;
}
