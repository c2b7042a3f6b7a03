// Finds what the kernel will have to execute so that a command runs: the program, the interpreter
// of a script, and the loader of a dynamic program. These are the files the CLI may execute itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "os/result.h"

namespace init {

struct CliProgram {
  std::string path;               // what to execute
  std::vector<std::string> argv;  // and with which arguments
  std::vector<os::Fd> files;      // every file that the kernel opens for it
};

/// Looks for `command[0]` as a shell would: along `search_path` (`DIR:DIR`) unless it has a slash;
/// a relative path starts at `cwd`. A script whose `#!` line is `/usr/bin/env NAME` becomes NAME
/// with the script as argument: env would have to execute NAME, and an exec of the running CLI is a
/// command. ENOENT, EACCES: as execve(2).
os::Result<CliProgram> find_cli_program(const std::vector<std::string>& command,
                                        std::string_view search_path, const std::string& cwd);

/// Opens `path` and the interpreters it needs, and appends them to `files`.
os::Status add_program_files(const std::string& path, std::vector<os::Fd>& files);

/// The interpreter and the one argument of a `#!` line; empty when `head` is no script.
struct ScriptLine {
  std::string interpreter;
  std::string argument;
};
ScriptLine parse_script_line(std::string_view head);

/// Gives bytes of a file: from where, how many. Less at its end.
using FilePart = std::function<std::string(std::uint64_t, std::size_t)>;

/// The path of the loader that an ELF program asks for; empty for a static one and for anything
/// else.
std::string parse_elf_loader(const FilePart& part);

}  // namespace init
