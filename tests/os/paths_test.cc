#include "os/paths.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>

#include "os/walk.h"

namespace {

// A directory that is gone at the end; empty it before.
struct TempDir {
  std::string path = "/tmp/paths-test.XXXXXX";
  TempDir() { REQUIRE(mkdtemp(path.data()) != nullptr); }
  TempDir(const TempDir&) = delete;
  TempDir(TempDir&&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
};

std::map<ino_t, int> visits(const std::string& root) {
  std::map<ino_t, int> seen;
  const os::Result<os::Fd> directory = os::open_file(root, O_PATH | O_DIRECTORY);
  REQUIRE(directory.ok());
  REQUIRE(os::walk_tree(directory.value().get(), [&](const os::Visited& at) {
            ++seen[at.info.st_ino];
            return os::Status();
          }).ok());
  return seen;
}

}  // namespace

TEST_CASE("directories get the mode that was asked for, whatever the umask") {
  const TempDir dir;
  const mode_t old = ::umask(077);
  REQUIRE(os::make_directories(dir / "a/b/c", 0755).ok());
  ::umask(old);
  for (const char* path : {"a", "a/b", "a/b/c"}) {
    const auto info = os::stat_path(dir / path);
    REQUIRE(info.ok());
    CHECK((info.value().st_mode & 07777) == 0755);
  }
  CHECK(os::make_directories(dir / "a/b/c", 0700).ok());
}

TEST_CASE("what is at a path is told without following a link") {
  const TempDir dir;
  REQUIRE(os::make_file(dir / "file").ok());
  REQUIRE(os::make_symlink("file", dir / "link").ok());
  CHECK(os::kind_of(dir.path) == os::Kind::directory);
  CHECK(os::kind_of(dir / "file") == os::Kind::file);
  CHECK(os::kind_of(dir / "link") == os::Kind::link);
  CHECK(os::kind_of(dir / "none") == os::Kind::nothing);
}

TEST_CASE("a file below a directory is opened through no link and not above it") {
  const TempDir dir;
  REQUIRE(os::make_directories(dir / "inner/deep", 0755).ok());
  REQUIRE(os::make_file(dir / "inner/deep/file").ok());
  REQUIRE(os::make_symlink("deep", dir / "inner/link").ok());
  const os::Result<os::Fd> root = os::open_file(dir / "inner", O_PATH | O_DIRECTORY);
  REQUIRE(root.ok());
  const auto code = [&](const char* path) {
    const os::Result<os::Fd> file = os::open_beneath(root.value().get(), path, O_RDONLY);
    return file.ok() ? 0 : file.error().code;
  };
  CHECK(code("deep/file") == 0);
  CHECK(code("link/file") == ELOOP);
  CHECK(code("../inner/deep/file") == EXDEV);
  CHECK(code("/etc/passwd") == EXDEV);
}

TEST_CASE("paths are told apart by components, not by letters") {
  CHECK(os::is_below("/a/b", "/a"));
  CHECK(os::is_below("/a", "/a"));
  CHECK(os::is_below("/anything", "/"));
  CHECK_FALSE(os::is_below("/ab", "/a"));
  CHECK_FALSE(os::is_below("/a", "/a/b"));
  CHECK(os::parent_of("/a/b") == "/a");
  CHECK(os::parent_of("/a") == "/");
  CHECK(os::base_of("/a/b") == "b");
}

TEST_CASE("a plain absolute path has no dots and no empty component") {
  for (const char* good : {"/a", "/a/b", "/a/..b", "/.a"}) CHECK(os::is_plain_absolute(good));
  for (const char* bad : {"", "/", "a", "/a/", "//a", "/a/./b", "/a/../b", "/a//b"}) {
    CHECK_FALSE(os::is_plain_absolute(bad));
  }
}

TEST_CASE("a walk visits each thing once and leaves no link and no depth out") {
  const TempDir dir;
  std::string deep = dir.path;
  constexpr int kDepth = 300;  // more than there are descriptors to spare
  for (int i = 0; i < kDepth; ++i) {
    deep += "/d";
    REQUIRE(os::make_directory(deep, 0755).ok());
  }
  REQUIRE(os::make_file(dir / "file").ok());
  REQUIRE(os::make_symlink("/etc", dir / "link").ok());
  const std::map<ino_t, int> seen = visits(dir.path);
  CHECK(seen.size() == kDepth + 3);
  for (const auto& [inode, count] : seen) CHECK(count == 1);
}

TEST_CASE("the first error of a visit ends the walk and is returned") {
  const TempDir dir;
  REQUIRE(os::make_file(dir / "file").ok());
  const os::Result<os::Fd> root = os::open_file(dir.path, O_PATH | O_DIRECTORY);
  REQUIRE(root.ok());
  int visited = 0;
  const os::Status status = os::walk_tree(root.value().get(), [&](const os::Visited&) {
    return ++visited == 2 ? os::Status(os::Error{EIO, "visit"}) : os::Status();
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == EIO);
  CHECK(visited == 2);
}

TEST_CASE("a directory that vanishes during the walk is passed over") {
  const TempDir dir;
  REQUIRE(os::make_directory(dir / "a", 0755).ok());
  REQUIRE(os::make_directory(dir / "b", 0755).ok());
  const os::Result<os::Fd> root = os::open_file(dir.path, O_PATH | O_DIRECTORY);
  REQUIRE(root.ok());
  int visited = 0;
  const os::Status status = os::walk_tree(root.value().get(), [&](const os::Visited&) {
    if (++visited == 2) {
      ::rmdir((dir / "a").c_str());
      ::rmdir((dir / "b").c_str());
    }
    return os::Status();
  });
  CHECK(status.ok());
  CHECK(visited == 2);
}
