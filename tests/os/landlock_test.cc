// Kernel test: needs Landlock.
#include "os/landlock.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "os/child.h"
#include "os/creds.h"
#include "tests/support/skip.h"

namespace {

bool missing() {
  if (os::landlock_version().ok()) return false;
  test_support::skip("this kernel has no Landlock");
  return true;
}

int exit_of(const std::function<int()>& body) {
  auto child = os::Child::start(0, body);
  REQUIRE(child.ok());
  return child.value().wait().value().shell_code();
}

// 0 when `program` runs under `ruleset`, else the errno of the exec.
int run_under(int ruleset, const char* program) {
  return exit_of([&] {
    if (!os::no_new_privs().ok() || !os::restrict_self(ruleset).ok()) return 200;
    ::execl(program, program, nullptr);
    return errno;
  });
}

}  // namespace

TEST_CASE("only the files of the ruleset can be executed, their loader included") {
  if (missing()) return;
  auto program = os::open_file("/bin/true", O_PATH);
  auto loader = os::open_file("/lib64/ld-linux-x86-64.so.2", O_PATH);
  REQUIRE(program.ok());
  REQUIRE(loader.ok());
  const std::array<int, 2> both{program.value().get(), loader.value().get()};
  auto ruleset = os::execute_only(both);
  REQUIRE(ruleset.ok());
  CHECK(run_under(ruleset.value().get(), "/bin/true") == 0);
  CHECK(run_under(ruleset.value().get(), "/bin/false") == EACCES);

  auto without_loader = os::execute_only(std::span(both).first(1));
  REQUIRE(without_loader.ok());
  CHECK(run_under(without_loader.value().get(), "/bin/true") == EACCES);
}

TEST_CASE("a directory is refused: its rule would admit everything below it") {
  if (missing()) return;
  auto directory = os::open_file("/usr/bin", O_PATH);
  REQUIRE(directory.ok());
  const std::array<int, 1> files{directory.value().get()};
  const auto ruleset = os::execute_only(files);
  REQUIRE_FALSE(ruleset.ok());
  CHECK(ruleset.error().code == EISDIR);
}

TEST_CASE("files are written below the listed paths only, and missing paths are skipped") {
  if (missing()) return;
  std::string directory = "/tmp/landlock_test.XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  REQUIRE(::mkdir((directory + "/in").c_str(), 0700) == 0);
  REQUIRE(::mkdir((directory + "/out").c_str(), 0700) == 0);
  const std::vector<std::string> paths{directory + "/in", directory + "/missing", "/dev/null"};
  auto ruleset = os::write_only_below(paths);
  REQUIRE(ruleset.ok());
  CHECK(exit_of([&] {
          if (!os::no_new_privs().ok() || !os::restrict_self(ruleset.value().get()).ok()) return 1;
          if (!os::write_file(directory + "/in/file", "x").ok()) return 2;
          if (!os::write_file("/dev/null", "x").ok()) return 3;
          const auto refused = os::write_file(directory + "/out/file", "x");
          if (refused.ok() || refused.error().code != EACCES) return 4;
          return os::read_file("/etc/passwd").ok() ? 0 : 5;
        }) == 0);
  ::unlink((directory + "/in/file").c_str());
  for (const char* name : {"/in", "/out", ""}) ::rmdir((directory + name).c_str());
}
