#include "os/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "os/text.h"

namespace os {
namespace {

constexpr std::uint64_t kTruncate = 1U << 14;  // LANDLOCK_ACCESS_FS_TRUNCATE, Linux 6.2

constexpr std::uint64_t kWriteFile = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kWriteBelow =
    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

Result<Fd> make_ruleset(std::uint64_t handled) {
  const landlock_ruleset_attr attributes{.handled_access_fs = handled};
  const long fd = ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (fd < 0) return last_error("make a Landlock ruleset");
  return Fd(static_cast<int>(fd));
}

Status allow(int ruleset, int file, std::uint64_t access) {
  const landlock_path_beneath_attr rule{.allowed_access = access, .parent_fd = file};
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return last_error("add a Landlock rule");
  }
  return {};
}

Result<mode_t> type_of(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return last_error(join("stat fd ", fd));
  return info.st_mode & S_IFMT;
}

}  // namespace

Result<int> landlock_version() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0) return last_error("ask for the Landlock version");
  return static_cast<int>(version);
}

Result<Fd> execute_only(std::span<const int> files) {
  Fd ruleset = TRY(make_ruleset(LANDLOCK_ACCESS_FS_EXECUTE));
  for (const int file : files) {
    if (TRY(type_of(file)) == S_IFDIR) return Error{EISDIR, "add a Landlock rule"};
    TRY(allow(ruleset.get(), file, LANDLOCK_ACCESS_FS_EXECUTE));
  }
  return ruleset;
}

Result<Fd> write_only_below(std::span<const std::string> paths) {
  const int version = TRY(landlock_version());
  std::uint64_t on_files = kWriteFile;
  std::uint64_t handled = kWriteFile | kWriteBelow;
  if (version >= 2) handled |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) {
    handled |= kTruncate;
    on_files |= kTruncate;
  }
  Fd ruleset = TRY(make_ruleset(handled));
  for (const std::string& path : paths) {
    const auto file = open_file(path, O_PATH);
    if (!file.ok() && file.error().code == ENOENT) continue;
    if (!file.ok()) return file.error();
    const bool directory = TRY(type_of(file.value().get())) == S_IFDIR;
    TRY_STEP(allow(ruleset.get(), file.value().get(), directory ? handled : on_files), path);
  }
  return ruleset;
}

Status restrict_self(int ruleset) {
  if (::syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
    return last_error("enter a Landlock ruleset");
  }
  return {};
}

}  // namespace os
