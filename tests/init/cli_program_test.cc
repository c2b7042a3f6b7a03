#include "init/cli_program.h"

#include <doctest/doctest.h>
#include <elf.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "os/fd.h"

namespace {

struct Directory {
  Directory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string script(const std::string& name, const std::string& text) const {
    const std::string file = path + "/" + name;
    REQUIRE(os::write_file(file, text, 0755).ok());
    return file;
  }
  std::string path = "/tmp/cli_program_test.XXXXXX";
};

bool has_file(const init::CliProgram& program, const std::string& path) {
  const os::FileId wanted = os::file_id_at(-100 /* AT_FDCWD */, path).value();
  for (const os::Fd& file : program.files) {
    if (os::file_id(file.get()).value() == wanted) return true;
  }
  return false;
}

constexpr char kLoader[] = "/lib64/ld-linux-x86-64.so.2";

}  // namespace

TEST_CASE("the line of a script is taken apart as the kernel does it") {
  CHECK(init::parse_script_line("#!/bin/sh\nrest").interpreter == "/bin/sh");
  CHECK(init::parse_script_line("#!  /bin/sh  -e -x \nrest").argument == "-e -x");
  CHECK(init::parse_script_line("#!/usr/bin/env\tpython3\n").argument == "python3");
  CHECK(init::parse_script_line("#!\n").interpreter.empty());
  CHECK(init::parse_script_line("#!/bin/sh").interpreter == "/bin/sh");
  CHECK(init::parse_script_line("\x7f"
                                "ELF")
            .interpreter.empty());
  CHECK(init::parse_script_line("").interpreter.empty());
}

namespace {

std::string loader_of(const std::string& file) {
  return init::parse_elf_loader([&](std::uint64_t at, std::size_t size) {
    return at > file.size() ? std::string() : file.substr(at, size);
  });
}

}  // namespace

TEST_CASE("an ELF program that lies about its sizes has no loader") {
  const std::string head = os::read_file("/bin/true").value().substr(0, 4096);
  CHECK(loader_of(head) == kLoader);
  for (std::size_t size = 0; size < head.size(); size += 7) {
    loader_of(head.substr(0, size));  // must not read outside
  }
  std::string bent = head;
  for (std::size_t at = 0; at < 512; ++at) {
    bent[at] = static_cast<char>(0xff);
    loader_of(bent);
    bent[at] = head[at];
  }
  CHECK(loader_of("#!/bin/sh\n").empty());
}

TEST_CASE("a program whose table of segments was moved to its end has a loader") {
  std::string file = os::read_file("/bin/true").value();
  Elf64_Ehdr header{};
  std::memcpy(&header, file.data(), sizeof header);
  const std::size_t size = header.e_phnum * sizeof(Elf64_Phdr);
  const std::string table = file.substr(header.e_phoff, size);
  file.replace(header.e_phoff, size, size, '\0');
  header.e_phoff = file.size();
  std::memcpy(file.data(), &header, sizeof header);
  CHECK(loader_of(file + table) == kLoader);
  CHECK(loader_of(file).empty());
}

TEST_CASE("a dynamic program needs itself and its loader") {
  const auto program = init::find_cli_program({"true", "x"}, "/nowhere:/usr/bin", "/");
  REQUIRE(program.ok());
  CHECK(program.value().path == "/usr/bin/true");
  CHECK(program.value().argv == std::vector<std::string>{"true", "x"});
  CHECK(program.value().files.size() == 2);
  CHECK(has_file(program.value(), "/usr/bin/true"));
  CHECK(has_file(program.value(), kLoader));
}

TEST_CASE("a script needs its interpreter too, and keeps its arguments") {
  const Directory directory;
  const std::string script = directory.script("run", "#!/bin/sh -e\nexit 0\n");
  const auto program = init::find_cli_program({script, "x"}, "/usr/bin", "/");
  REQUIRE(program.ok());
  CHECK(program.value().path == script);
  CHECK(program.value().argv == std::vector<std::string>{script, "x"});
  CHECK(has_file(program.value(), script));
  CHECK(has_file(program.value(), "/bin/sh"));
  CHECK(has_file(program.value(), kLoader));
}

TEST_CASE("env in a script's line is replaced by the program it would execute") {
  const Directory directory;
  const std::string script = directory.script("run", "#!/usr/bin/env bash\nexit 0\n");
  const auto program = init::find_cli_program({"./run", "x"}, "/usr/bin:/bin", directory.path);
  REQUIRE(program.ok());
  CHECK(program.value().path == "/usr/bin/bash");
  CHECK(program.value().argv == std::vector<std::string>{"bash", directory.path + "/./run", "x"});
  CHECK(has_file(program.value(), "/usr/bin/bash"));
  CHECK_FALSE(has_file(program.value(), "/usr/bin/env"));
}

TEST_CASE("a program that is not there is ENOENT, and the PATH is named") {
  const auto missing = init::find_cli_program({"no-such-program"}, "/usr/bin", "/");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ENOENT);
  CHECK(missing.error().step.find("/usr/bin") != std::string::npos);
  const Directory directory;
  const std::string loop = directory.script("loop", "#!" + directory.path + "/loop\n");
  const auto endless = init::find_cli_program({loop}, "", "/");
  REQUIRE_FALSE(endless.ok());
  CHECK(endless.error().code == ELOOP);
}
