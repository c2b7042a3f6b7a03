#include "runner/resolve.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/limits.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>

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
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_filesz < 2 || segment.p_filesz > PATH_MAX) {
      return os::Error{ENOEXEC, "read the ELF interpreter"};
    }
    std::string name = TRY(os::read_at(fd, segment.p_filesz, static_cast<off_t>(segment.p_offset)));
    return std::string(name.c_str());
  }
  return std::string();
}

// Dynamic loaders found good before. Only from read-only mounts: what is there now stays there.
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

os::Status resolve_at(int root, const std::string& path, const std::string& cwd, int depth);

os::Status resolve_interpreter(int root, const std::string& name, const std::string& cwd,
                               int depth) {
  if (name.empty()) return os::Error{ENOEXEC, "find an interpreter"};
  return resolve_at(root, name.front() == '/' ? name : cwd + '/' + name, cwd, depth + 1);
}

os::Status resolve_loader(int root, const std::string& name, const std::string& cwd) {
  static KnownLoaders known;
  if (name.empty() || known.contains(name)) return {};
  TRY(resolve_interpreter(root, name, cwd, kMaxDepth - 1));
  const os::Fd fd = TRY(os::open_in_root(root, name, O_PATH));
  if (TRY(os::executable_info(fd.get())).on_read_only_mount) known.add(name);
  return {};
}

os::Status resolve_content(int root, const std::string& path, const std::string& cwd, int depth) {
  const auto opened = os::open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!opened.ok()) return {};  // execute-only: the kernel alone may look inside
  const int fd = opened.value().get();
  const std::string head = TRY(os::read_at(fd, kHead, 0));
  if (head.size() >= SELFMAG && std::memcmp(head.data(), ELFMAG, SELFMAG) == 0) {
    return resolve_loader(root, TRY(elf_interpreter(fd, head)), cwd);
  }
  if (head.size() >= 2 && head[0] == '#' && head[1] == '!') {
    return resolve_interpreter(root, script_interpreter(head), cwd, depth);
  }
  return os::Error{ENOEXEC, "recognise a program"};
}

os::Status check_at(int root, const os::Fd& file, const std::string& path, const std::string& cwd,
                    int depth) {
  const auto info = TRY(os::executable_info(file.get()));
  if (info.symlink) return os::Error{ELOOP, "execute a symbolic link"};
  if (!info.regular) return os::Error{EACCES, "execute something that is no file"};
  TRY(os::may_execute(file.get()));
  if (!info.on_read_only_mount) TRY(os::not_being_written(file.get()));
  return resolve_content(root, path, cwd, depth);
}

os::Status resolve_at(int root, const std::string& path, const std::string& cwd, int depth) {
  if (depth > kMaxDepth) return os::Error{ELOOP, "follow interpreters"};
  return check_at(root, TRY(look_up_program(root, path, false)), path, cwd, depth);
}

}  // namespace

os::Result<os::Fd> look_up_program(int root, const std::string& path, bool no_follow) {
  if (path.size() >= PATH_MAX) return os::Error{ENAMETOOLONG, "look up a program"};
  return os::open_in_root(root, path, O_PATH | (no_follow ? O_NOFOLLOW : 0));
}

os::Status check_program(int root, const os::Fd& file, const std::string& path,
                         const std::string& cwd) {
  return check_at(root, file, path, cwd, 0);
}

os::Status resolve(int root, const std::string& path, const std::string& cwd, bool no_follow) {
  return check_program(root, TRY(look_up_program(root, path, no_follow)), path, cwd);
}

}  // namespace runner
