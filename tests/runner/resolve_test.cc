#include "runner/resolve.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "os/fd.h"

namespace {

// A small root of its own: what lies outside must not be found.
class Root {
 public:
  Root() {
    char name[] = "/tmp/resolve-test-XXXXXX";
    path_ = ::mkdtemp(name);
    fd_ = os::open_file(path_, O_PATH | O_DIRECTORY).value();
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  ~Root() { std::filesystem::remove_all(path_); }

  void file(const std::string& name, const std::string& text, mode_t mode = 0755) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + name).parent_path());
    REQUIRE(os::write_file(path_ + name, text).ok());
    REQUIRE(::chmod((path_ + name).c_str(), mode) == 0);
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, path_ + name);
  }
  int code(const std::string& path, bool no_follow = false) const {
    const auto found = runner::resolve(fd_.get(), path, "/", no_follow);
    return found.ok() ? 0 : found.error().code;
  }
  std::string at(const std::string& name) const { return path_ + name; }

 private:
  std::string path_;
  os::Fd fd_;
};

std::string this_program() { return os::read_file("/proc/self/exe", 64 << 20).value(); }

// This program with another, shorter name of its loader.
std::string with_loader(std::string loader) {
  constexpr std::string_view kOwn = "/lib64/ld-linux-x86-64.so.2";
  std::string bytes = this_program();
  loader.resize(kOwn.size());
  return bytes.replace(bytes.find(kOwn), kOwn.size(), loader);
}

}  // namespace

TEST_CASE("a missing program, a directory on the way that is none, and a name too long") {
  const Root root;
  root.file("/file", "x");
  CHECK(root.code("/no") == ENOENT);
  CHECK(root.code("/file/x") == ENOTDIR);
  CHECK(root.code("/" + std::string(300, 'a')) == ENAMETOOLONG);
  CHECK(root.code("/" + std::string(5000, 'a')) == ENAMETOOLONG);
}

TEST_CASE("links stay inside the root, however they are written") {
  const Root root;
  root.file("/bin/sh", "#!/bin/self\n");
  root.file("/bin/self",
            "\x7f"
            "ELF");
  root.link("/bin/sh", "/absolute");
  root.link("../../../../bin/self", "/up");
  root.link("loop", "/loop");
  CHECK(root.code("/absolute") == ENOEXEC);  // found: its interpreter is no whole program
  CHECK(root.code("/up") == ENOEXEC);
  CHECK(root.code("/loop") == ELOOP);
  CHECK(root.code("/../../etc/passwd") == ENOENT);
  CHECK(root.code("/absolute", true) == ELOOP);
}

TEST_CASE("what cannot be executed at all is EACCES: a directory, a FIFO, no x bit") {
  const Root root;
  root.file("/plain", "#!/bin/sh\n", 0644);
  std::filesystem::create_directory(root.at("/dir"));
  REQUIRE(::mkfifo(root.at("/fifo").c_str(), 0755) == 0);
  CHECK(root.code("/dir") == EACCES);
  CHECK(root.code("/fifo") == EACCES);
  CHECK(root.code("/plain") == EACCES);
}

TEST_CASE("a script is judged by its interpreter") {
  const Root root;
  root.file("/none", "#!\n");
  root.file("/missing", "#!/no/such -x\n");
  root.file("/not-executable", "#! /data\n");
  root.file("/data", "x", 0644);
  root.file("/text", "echo hello\n");
  root.file("/empty", "");
  root.file("/cut", "#!" + std::string(300, '/'));
  CHECK(root.code("/none") == ENOEXEC);
  CHECK(root.code("/missing") == ENOENT);
  CHECK(root.code("/not-executable") == EACCES);
  CHECK(root.code("/text") == ENOEXEC);
  CHECK(root.code("/empty") == ENOEXEC);
  CHECK(root.code("/cut") == ENOEXEC);
}

TEST_CASE("interpreters of interpreters end at the kernel's depth") {
  const Root root;
  for (int i = 0; i < 8; ++i) {
    root.file("/s" + std::to_string(i), "#!/s" + std::to_string(i + 1) + "\n");
  }
  CHECK(root.code("/s0") == ELOOP);
  CHECK(root.code("/s7") == ENOENT);
}

TEST_CASE("a dynamic program needs its loader in the same root") {
  const Root root;
  root.file("/program", this_program());
  CHECK(root.code("/program") == ENOENT);
  const os::Fd machine = os::open_file("/", O_PATH | O_DIRECTORY).value();
  CHECK(runner::resolve(machine.get(), root.at("/program"), "/", false).ok());
}

TEST_CASE("the loader that a loader names is not followed, not even to itself") {
  const Root root;
  root.file("/itself", with_loader("/itself"));
  root.file("/other", with_loader("/itself"));
  root.file("/script", "#!/itself\n");
  root.file("/by-script", with_loader("/script"));
  CHECK(root.code("/itself") == 0);
  CHECK(root.code("/other") == 0);
  CHECK(root.code("/script") == 0);
  CHECK(root.code("/by-script") == ELIBBAD);
}

TEST_CASE("a program for another machine is ENOEXEC") {
  const Root root;
  std::string bytes = this_program();
  bytes[18] = '\xb7';  // e_machine: EM_AARCH64
  root.file("/program", bytes);
  CHECK(root.code("/program") == ENOEXEC);
}
