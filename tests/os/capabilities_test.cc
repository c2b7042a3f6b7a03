// Kernel test: needs root.
#include "os/capabilities.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "os/child.h"
#include "os/creds.h"

namespace {

// The value of `field:` in /proc/self/status, without blanks.
std::string status_field(const std::string& field) {
  const std::string text = os::read_file("/proc/self/status").value();
  const std::size_t at = text.find("\n" + field + ":");
  if (at == std::string::npos) return "?";
  const std::size_t start = text.find_first_not_of("\t ", at + field.size() + 2);
  return text.substr(start, text.find('\n', start) - start);
}

int exit_of(const std::function<int()>& body) {
  auto child = os::Child::start(0, body);
  REQUIRE(child.ok());
  return child.value().wait().value().shell_code();
}

}  // namespace

TEST_CASE("exactly the capabilities asked for are left, in every set") {
  CHECK(exit_of([] {
          const std::array<int, 2> kept{CAP_SETUID, CAP_SETPCAP};
          if (!os::limit_capabilities(kept).ok()) return 1;
          for (const char* set : {"CapPrm", "CapEff", "CapBnd"}) {
            if (status_field(set) != "0000000000000180") return 2;
          }
          if (status_field("CapInh") != "0000000000000000") return 3;
          return status_field("CapAmb") == "0000000000000000" ? 0 : 4;
        }) == 0);
}

TEST_CASE("what is effective is told, and asking does not change what a child is limited to") {
  CHECK(os::has_capabilities(std::array{CAP_CHOWN, CAP_SYS_ADMIN}));
  CHECK(exit_of([] {
          const std::array<int, 2> kept{CAP_SETUID, CAP_SETPCAP};
          if (!os::limit_capabilities(kept).ok()) return 1;
          if (!os::has_capabilities(kept)) return 2;
          return os::has_capabilities(std::array{CAP_SETUID, CAP_CHOWN}) ? 3 : 0;
        }) == 0);
}

TEST_CASE("a powerless process has no capability, no group and no way back") {
  CHECK(exit_of([] {
          if (!os::become_powerless(12345, 23456).ok()) return 1;
          for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
            if (status_field(set) != "0000000000000000") return 2;
          }
          if (status_field("NoNewPrivs") != "1" || !status_field("Groups").empty()) return 3;
          if (status_field("Uid") != "12345\t12345\t12345\t12345") return 4;
          if (status_field("Gid") != "23456\t23456\t23456\t23456") return 5;
          return ::setuid(0) == -1 ? 0 : 6;
        }) == 0);
}

TEST_CASE("six capabilities are enough to become powerless") {
  CHECK(exit_of([] {
          const std::array<int, 6> kept{CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SETUID,
                                        CAP_SETGID,    CAP_SETPCAP,    CAP_KILL};
          if (!os::limit_capabilities(kept).ok()) return 1;
          return os::become_powerless(12345, 23456).ok() ? 0 : 2;
        }) == 0);
}

TEST_CASE("an FsUser makes files as somebody else and then is itself again") {
  std::string directory = "/tmp/capabilities_test.XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  REQUIRE(::chmod(directory.c_str(), 01777) == 0);
  const std::string path = directory + "/file";
  {
    auto user = os::FsUser::enter(12345, 23456);
    REQUIRE(user.ok());
    REQUIRE(os::write_file(path, "x").ok());
    CHECK_FALSE(os::open_file("/etc/shadow", O_RDONLY).ok());
  }
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK(info.st_uid == 12345);
  CHECK(info.st_gid == 23456);
  CHECK(os::open_file("/etc/shadow", O_RDONLY).ok());
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}
