#include "os/mountinfo.h"

#include <doctest/doctest.h>

#include <cerrno>

TEST_CASE("a line of mountinfo is taken apart") {
  const auto read = os::parse_mountinfo(
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root "
      "rw,errors=go\n");
  REQUIRE(read.ok());
  REQUIRE(read.value().size() == 1);
  const os::MountEntry& entry = read.value()[0];
  CHECK(entry.id == 36);
  CHECK(entry.parent == 35);
  CHECK(entry.device == "98:0");
  CHECK(entry.root == "/mnt1");
  CHECK(entry.target == "/mnt2");
  CHECK(entry.options == "rw,noatime");
  CHECK(entry.propagation == "master:1 propagate_from:2");
  CHECK(entry.type == "ext3");
  CHECK(entry.source == "/dev/root");
  CHECK(entry.super_options == "rw,errors=go");
}

TEST_CASE("a private mount has no propagation tag, and escaped paths are undone") {
  const auto read = os::parse_mountinfo("1 2 0:3 / /a\\040b\\134c\\012 rw - tmpfs x\\040y rw\n");
  REQUIRE(read.ok());
  CHECK(read.value()[0].propagation.empty());
  CHECK(read.value()[0].target == "/a b\\c\n");
  CHECK(read.value()[0].source == "x y");
}

TEST_CASE("a line that is cut short is refused and shown") {
  for (const char* text : {"36 35 98:0 / /x rw", "36 35 98:0 / /x rw - ext4 dev",
                           "x 1 0:1 / / rw - a b c", "1 2 3 - a b c"}) {
    const auto read = os::parse_mountinfo(text);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == EINVAL);
    CHECK(read.error().step.find(text) != std::string::npos);
  }
}

TEST_CASE("this process's own mounts can be read") {
  const auto read = os::read_mountinfo();
  REQUIRE(read.ok());
  CHECK_FALSE(read.value().empty());
}
