// T1: a child that shares its parent's memory execs; the parent's strings and heap must be
// unchanged.
//   vfork_parent COUNT
// Counts the bytes that changed around a path on the heap, in a read-only page and on the stack.
#include <spawn.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/victims/victim.h"

namespace {

constexpr char kPath[] = "/bin/true";
constexpr std::size_t kPage = 4096;

/// A page that holds the path in its middle, and a copy to compare with.
class PathPage {
 public:
  explicit PathPage(char* page) : page_(page), copy_(kPage) {
    std::fill_n(page_, kPage, '\xA5');
    std::memcpy(path(), kPath, sizeof(kPath));
    std::copy_n(page_, kPage, copy_.begin());
  }

  char* path() { return page_ + kPage / 2; }

  bool changed() const { return !std::equal(copy_.begin(), copy_.end(), page_); }

 private:
  char* page_;
  std::vector<char> copy_;
};

int by_vfork(char* path) {
  char* argv[] = {path, nullptr};
  // Only exec and _exit follow in the child, as vfork(2) asks.
  const pid_t child = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (child == 0) {
    execve(path, argv, environ);
    _exit(99);
  }
  return child;
}

int by_spawn(char* path) {
  char* argv[] = {path, nullptr};
  pid_t child = -1;
  posix_spawn(&child, path, nullptr, nullptr, argv, environ);
  return child;
}

struct Counts {
  long changed = 0;
  long wrong = 0;
};

template <class Start>
Counts run(long count, PathPage& page, Start start) {
  Counts counts;
  for (long i = 0; i < count; ++i) {
    const std::string end = victim::end_of(start(page.path()));
    counts.wrong += end != "exit 0";
    counts.changed += page.changed();
  }
  return counts;
}

void tell(const std::string& what, const Counts& counts) {
  victim::say(what + " changed", std::to_string(counts.changed));
  victim::say(what + " wrong-status", std::to_string(counts.wrong));
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 1 ? victim::number(argv[1]) : 100;
  void* mapped = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return 1;
  std::vector<char> heap(kPage);
  std::array<char, kPage> stack{};
  PathPage on_heap(heap.data());
  PathPage on_stack(stack.data());
  PathPage read_only(static_cast<char*>(mapped));
  mprotect(mapped, kPage, PROT_READ);

  tell("vfork heap", run(count, on_heap, by_vfork));
  tell("vfork stack", run(count, on_stack, by_vfork));
  tell("vfork read-only", run(count, read_only, by_vfork));
  tell("posix_spawn heap", run(count, on_heap, by_spawn));
  tell("posix_spawn read-only", run(count, read_only, by_spawn));
  return 0;
}
