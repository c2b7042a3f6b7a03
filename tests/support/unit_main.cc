// main() of the unit tests: no test may leave a descriptor open.
#ifndef __clang_analyzer__  // clang-tidy would read doctest itself, for half a minute
#define DOCTEST_CONFIG_IMPLEMENT
#endif
#include <doctest/doctest.h>

#include "tests/support/open_files.h"

REGISTER_LISTENER("open-files", 1, test_support::OpenFilesListener);

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  context.setOption("order-by", "name");
  return context.run();
}
