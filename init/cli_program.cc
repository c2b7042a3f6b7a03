#include "init/cli_program.h"

#include <elf.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "os/lookup.h"
#include "os/process.h"
#include "os/text.h"

namespace init {
namespace {

using os::Error;
using os::join;
using os::Result;
using os::Status;

constexpr std::size_t kHead = 4096;  // more than the kernel reads of a script's first line
constexpr int kMaxInterpreters = 4;  // as the kernel

Result<std::string> search(const std::string& name, std::string_view search_path) {
  for (const std::string& directory : os::split(search_path, ':')) {
    const std::string path = join(directory, '/', name);
    if (!directory.empty() && os::may_execute(path)) return path;
  }
  return Error{ENOENT, join("find '", name, "' on the CLI's PATH ", search_path)};
}

bool is_env(std::string_view interpreter) {
  return interpreter == "/usr/bin/env" || interpreter == "/bin/env";
}

// Opens one file for `files` and gives its head.
Result<std::string> add_file(const std::string& path, std::vector<os::Fd>& files) {
  os::Fd file = TRY(os::open_file(path, O_RDONLY | O_NONBLOCK));
  std::string head = TRY_STEP(os::read_head(file.get(), kHead), path);
  files.push_back(std::move(file));
  return head;
}

}  // namespace

ScriptLine parse_script_line(std::string_view head) {
  if (!head.starts_with("#!")) return {};
  std::string_view line = head.substr(2, head.find('\n') - 2);
  const auto trim = [](std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return std::string_view();
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
  };
  line = trim(line);
  const std::size_t end = line.find_first_of(" \t");
  if (end == std::string_view::npos) return {std::string(line), ""};
  return {std::string(line.substr(0, end)), std::string(trim(line.substr(end)))};
}

std::string parse_elf_loader(const FilePart& part) {
  Elf64_Ehdr header{};
  const std::string head = part(0, sizeof header);
  if (head.size() < sizeof header) return {};
  std::memcpy(&header, head.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return {};
  // Anywhere in the file: who adds data to a finished program moves the table behind it.
  const std::string table = part(header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr));
  for (std::size_t at = 0; at + sizeof(Elf64_Phdr) <= table.size(); at += sizeof(Elf64_Phdr)) {
    Elf64_Phdr entry{};
    std::memcpy(&entry, table.data() + at, sizeof entry);
    if (entry.p_type != PT_INTERP) continue;
    const std::string path = part(entry.p_offset, std::min<std::size_t>(entry.p_filesz, PATH_MAX));
    return path.substr(0, path.find('\0'));
  }
  return {};
}

Status add_program_files(const std::string& path, std::vector<os::Fd>& files) {
  std::string next = path;
  for (int i = 0; !next.empty(); ++i) {
    if (i == kMaxInterpreters) return Error{ELOOP, join("find the interpreter of '", path, "'")};
    const std::string head = TRY(add_file(next, files));
    next = parse_script_line(head).interpreter;
    const int file = files.back().get();
    const auto part = [file](std::uint64_t at, std::size_t size) {
      auto bytes = os::read_at(file, size, static_cast<off_t>(at));
      return bytes.ok() ? std::move(bytes).value() : std::string();  // it names no loader
    };
    if (next.empty()) next = parse_elf_loader(part);
  }
  return {};
}

Result<CliProgram> find_cli_program(const std::vector<std::string>& command,
                                    std::string_view search_path, const std::string& cwd) {
  CliProgram program;
  program.argv = command;
  std::string& path = program.path;
  path = command.front();
  if (path.find('/') == std::string::npos) {
    path = TRY(search(path, search_path));
  } else if (!path.starts_with('/')) {
    path = join(cwd, '/', path);
  }
  std::vector<os::Fd> script;
  const ScriptLine line = parse_script_line(TRY(add_file(path, script)));
  if (is_env(line.interpreter) && line.argument.find_first_of("-= \t") == std::string::npos &&
      !line.argument.empty()) {
    program.argv.front() = path;
    program.argv.insert(program.argv.begin(), line.argument);
    path = TRY(search(line.argument, search_path));
  }
  TRY(add_program_files(path, program.files));
  return program;
}

}  // namespace init
