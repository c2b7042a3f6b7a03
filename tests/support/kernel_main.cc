// main() of the kernel tests: they need root; exit 77 with the reason where a case could not run.
#ifndef __clang_analyzer__  // clang-tidy would read doctest itself, for half a minute
#define DOCTEST_CONFIG_IMPLEMENT
#endif
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>

#include "tests/support/open_files.h"
#include "tests/support/skip.h"

REGISTER_LISTENER("open-files", 1, test_support::OpenFilesListener);

namespace test_support {
namespace {
int skips = 0;
}

void skip(const char* reason) {
  std::printf("SKIP: %s\n", reason);
  ++skips;
}

}  // namespace test_support

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  if (geteuid() != 0) {
    std::puts("SKIP: needs root");
    return kSkipped;
  }
  doctest::Context context(argc, argv);
  const int status = context.run();
  return status == 0 && test_support::skips > 0 ? kSkipped : status;
}
