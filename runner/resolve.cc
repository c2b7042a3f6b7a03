#include "runner/resolve.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/limits.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

#include "os/lookup.h"

namespace runner {
namespace {

constexpr std::size_t kHead = 1024;       // holds the program headers of every usual ELF file
constexpr std::size_t kScriptHead = 256;  // BINPRM_BUF_SIZE
constexpr int kMaxDepth = 5;              // of interpreters, exec_binprm() in fs/exec.c

// The interpreter named in a `#!` line, empty when there is none. binfmt_script in fs/.
std::string script_interpreter(const std::string& head) {
  std::string_view line(head.data() + 2, std::min(head.size(), kScriptHead) - 2);
  const auto newline = line.find('\n');
  const bool cut = newline == std::string_view::npos && head.size() >= kScriptHead;
  line = line.substr(0, newline);
  const auto first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  line.remove_prefix(first);
  const auto end = line.find_first_of(std::string_view(" \t\0", 3));
  if (cut && end == std::string_view::npos) return {};  // the kernel refuses a cut-off name
  return std::string(line.substr(0, end));
}

// The name that a PT_INTERP segment holds.
os::Result<std::string> name_in(int fd, const Elf64_Phdr& segment) {
  if (segment.p_filesz < 2 || segment.p_filesz > PATH_MAX) {
    return os::Error{ENOEXEC, "read the ELF interpreter"};
  }
  const std::string name =
      TRY(os::read_at(fd, segment.p_filesz, static_cast<off_t>(segment.p_offset)));
  return name.substr(0, name.find('\0'));
}

// The dynamic loader a program asks for, empty for a static one. elf(5).
os::Result<std::string> elf_interpreter(int fd, const std::string& head) {
  Elf64_Ehdr header{};
  if (head.size() < sizeof header) return os::Error{ENOEXEC, "read an ELF header"};
  std::memcpy(&header, head.data(), sizeof header);
  const bool ours = header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == EM_X86_64;
  if (!ours) {
    // i386 programs are the kernel's (and the sandbox filter's) to judge.
    if (header.e_ident[EI_CLASS] == ELFCLASS32) return std::string();
    return os::Error{ENOEXEC, "read an ELF header"};
  }
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
    return os::Error{ENOEXEC, "read an ELF header"};
  }
  const std::size_t table = std::size_t{header.e_phnum} * sizeof(Elf64_Phdr);
  if (header.e_phentsize != sizeof(Elf64_Phdr) || table == 0 || table > 65536) {
    return os::Error{ENOEXEC, "read the ELF program headers"};
  }
  const std::string headers = TRY(os::read_at(fd, table, static_cast<off_t>(header.e_phoff)));
  if (headers.size() != table) return os::Error{ENOEXEC, "read the ELF program headers"};
  for (std::size_t at = 0; at < table; at += sizeof(Elf64_Phdr)) {
    Elf64_Phdr segment{};
    std::memcpy(&segment, headers.data() + at, sizeof segment);
    if (segment.p_type == PT_INTERP) return name_in(fd, segment);
  }
  return std::string();
}

// Dynamic loaders found good before, where what is there now stays there.
class KnownLoaders {
 public:
  bool contains(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return paths_.contains(path);
  }
  void add(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (paths_.size() < kMost) paths_.insert(path);
  }

 private:
  static constexpr std::size_t kMost = 8;
  std::mutex mutex_;
  std::set<std::string> paths_;
};

bool is_elf(std::string_view head) { return head.starts_with(ELFMAG); }

std::string absolute(const std::string& name, const std::string& cwd) {
  return name.front() == '/' ? name : cwd + '/' + name;
}

// What execve(2) checks before it reads a file.
os::Result<os::ExecutableInfo> check_file(const os::Fd& file) {
  const auto info = TRY(os::executable_info(file.get()));
  if (info.symlink) return os::Error{ELOOP, "execute a symbolic link"};
  if (!info.regular) return os::Error{EACCES, "execute something that is no file"};
  TRY(os::may_execute(file.get()));
  if (!info.stays) TRY(os::not_being_written(file.get()));
  return info;
}

// For reading; not valid for a file that is execute-only: the kernel alone may look inside.
os::Fd open_content(int root, const std::string& path) {
  auto opened = os::open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return opened.ok() ? std::move(opened.value()) : os::Fd();
}

// A loader is no program of its own: the kernel does not follow the loader that it might name.
// load_elf_binary() in fs/binfmt_elf.c.
os::Status resolve_loader(int root, const std::string& name, const std::string& cwd) {
  static KnownLoaders known;
  if (name.empty()) return {};
  const std::string path = absolute(name, cwd);
  if (known.contains(path)) return {};
  const os::Fd file = TRY(look_up_program(root, path, false));
  const auto info = TRY(check_file(file));
  const os::Fd fd = open_content(root, path);
  if (fd.valid()) {
    const std::string magic = TRY(os::read_at(fd.get(), SELFMAG, 0));
    if (!is_elf(magic)) return os::Error{ELIBBAD, "recognise a dynamic loader"};
  }
  if (info.stays) known.add(path);
  return {};
}

// Judges the head of a program; the interpreter that a script names, empty for an ELF file.
os::Result<std::string> judge_head(int root, int fd, const std::string& head,
                                   const std::string& cwd) {
  if (is_elf(head)) {
    const std::string loader = TRY(elf_interpreter(fd, head));
    TRY(resolve_loader(root, loader, cwd));
    return std::string();
  }
  if (!head.starts_with("#!")) return os::Error{ENOEXEC, "recognise a program"};
  std::string interpreter = script_interpreter(head);
  if (interpreter.empty()) return os::Error{ENOEXEC, "find an interpreter"};
  return interpreter;
}

os::Result<std::string> read_program(int root, const std::string& path, const std::string& cwd) {
  const os::Fd fd = open_content(root, path);
  if (!fd.valid()) return std::string();
  const auto head = os::read_at(fd.get(), kHead, 0);
  if (!head.ok()) return head.error();
  return judge_head(root, fd.get(), head.value(), cwd);
}

}  // namespace

os::Result<os::Fd> look_up_program(int root, const std::string& path, bool no_follow) {
  if (path.size() >= PATH_MAX) return os::Error{ENAMETOOLONG, "look up a program"};
  return os::open_in_root(root, path, O_PATH | (no_follow ? O_NOFOLLOW : 0));
}

os::Status check_program(int root, const os::Fd& file, const std::string& path,
                         const std::string& cwd, bool closes) {
  TRY(check_file(file));
  std::string interpreter = TRY(read_program(root, path, cwd));
  if (closes && !interpreter.empty()) return os::Error{ENOENT, "give a script to its interpreter"};
  for (int depth = 1; !interpreter.empty(); ++depth) {
    if (depth > kMaxDepth) return os::Error{ELOOP, "follow interpreters"};
    const std::string program = absolute(interpreter, cwd);
    const os::Fd next = TRY(look_up_program(root, program, false));
    TRY(check_file(next));
    interpreter = TRY(read_program(root, program, cwd));
  }
  return {};
}

os::Status resolve(int root, const std::string& path, const std::string& cwd, bool no_follow) {
  const os::Fd file = TRY(look_up_program(root, path, no_follow));
  return check_program(root, file, path, cwd);
}

}  // namespace runner
