#include "init/session_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "os/fd.h"
#include "os/process.h"

namespace {

struct Directory {
  Directory() {
    REQUIRE(::mkdtemp(base.data()) != nullptr);
    path = base + "/sessions";
  }
  ~Directory() { std::filesystem::remove_all(base); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string base = "/tmp/session_file_test.XXXXXX";
  std::string path;
};

init::SessionProcess own_process(const std::string& name) {
  return {name, ::getpid(), os::start_time(::getpid()).value()};
}

}  // namespace

TEST_CASE("a session is found by its name until it is removed") {
  const Directory directory;
  REQUIRE(init::add_session(own_process("one"), directory.path).ok());
  const auto found = init::find_session("one", directory.path);
  REQUIRE(found.ok());
  CHECK(found.value().pid == ::getpid());
  struct stat info {};
  REQUIRE(::stat(directory.path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  CHECK(init::list_sessions(directory.path).size() == 1);
  init::remove_session("one", directory.path);
  CHECK_FALSE(init::find_session("one", directory.path).ok());
  CHECK(init::list_sessions(directory.path).empty());
}

TEST_CASE("a name can be taken once while its session runs, and again after its end") {
  const Directory directory;
  REQUIRE(init::add_session(own_process("one"), directory.path).ok());
  const auto taken = init::add_session(own_process("one"), directory.path);
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.error().code == EEXIST);

  init::SessionProcess ended = own_process("two");
  ++ended.start_time;  // the pid has come to mean another process
  REQUIRE(init::add_session(ended, directory.path).ok());
  CHECK_FALSE(init::find_session("two", directory.path).ok());
  CHECK(init::add_session(own_process("two"), directory.path).ok());
}

TEST_CASE("a file that is no session is passed over") {
  const Directory directory;
  REQUIRE(init::add_session(own_process("one"), directory.path).ok());
  REQUIRE(os::write_file(directory.path + "/junk", "not a session\n").ok());
  REQUIRE(os::write_file(directory.path + "/empty", "").ok());
  CHECK_FALSE(init::find_session("junk", directory.path).ok());
  CHECK(init::list_sessions(directory.path).size() == 1);
}
