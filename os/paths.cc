#include "os/paths.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "os/retry.h"
#include "os/text.h"

namespace os {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Status make_directory_at(int at, const std::string& path, mode_t mode) {
  if (::mkdirat(at, path.c_str(), mode) != 0) {
    if (errno == EEXIST) return {};
    return last_error(join("make directory '", path, "'"));
  }
  if (::fchmodat(at, path.c_str(), mode, 0) == 0) return {};
  return last_error(join("set mode of '", path, "'"));
}

bool is_ordinary(std::string_view component) {
  return !component.empty() && component != "." && component != "..";
}

}  // namespace

Kind kind_at(int at, const std::string& path) {
  struct stat info {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
  if (::fstatat(at, path.c_str(), &info, flags) != 0) return Kind::nothing;
  if (S_ISDIR(info.st_mode)) return Kind::directory;
  if (S_ISREG(info.st_mode)) return Kind::file;
  if (S_ISLNK(info.st_mode)) return Kind::link;
  return Kind::other;
}

Kind kind_of(const std::string& path) { return kind_at(AT_FDCWD, path); }

Result<struct stat> stat_path(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return last_error(join("stat '", path, "'"));
  return info;
}

Result<struct stat> stat_fd(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return last_error(join("stat fd ", fd));
  return info;
}

Result<FileBirth> file_birth(int fd) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  FileBirth birth;
  birth.id = TRY(file_id(fd));
  struct statx info {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &info) == 0 &&
      (info.stx_mask & STATX_BTIME) != 0) {
    birth.nanoseconds = info.stx_btime.tv_sec * kSecond + info.stx_btime.tv_nsec;
  }
  return birth;
}

Result<std::string> real_path(const std::string& path) {
  struct Free {
    void operator()(char* text) const { std::free(text); }
  };
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  if (real == nullptr) return last_error(join("resolve '", path, "'"));
  return std::string(real.get());
}

Status make_directory(const std::string& path, mode_t mode) {
  return make_directory_at(AT_FDCWD, path, mode);
}

Status make_directories(const std::string& path, mode_t mode) {
  return make_directories(AT_FDCWD, path, mode);
}

Status make_directories(int at, const std::string& path, mode_t mode) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    TRY(make_directory_at(at, path.substr(0, slash), mode));
  }
  return make_directory_at(at, path, mode);
}

Status make_file(const std::string& path) {
  TRY(open_file(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0444));
  return {};
}

Status make_symlink(const std::string& target, const std::string& path) {
  if (::symlink(target.c_str(), path.c_str()) != 0) return last_error(join("link '", path, "'"));
  return {};
}

Status change_owner(int entry, uid_t uid, gid_t gid) {
  if (::fchownat(entry, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0) return {};
  return last_error(join("give a file to uid ", uid));
}

Result<std::vector<std::string>> list_directory(int directory, std::size_t most) {
  Fd own = TRY(open_at(directory, ".", O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(own.get()));
  if (stream == nullptr) return last_error("list a directory");
  own.release();
  std::vector<std::string> names;
  errno = 0;
  while (names.size() < most) {
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (is_ordinary(name)) names.emplace_back(name);
  }
  if (errno != 0) return last_error("list a directory");
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  const Fd directory = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
  return TRY_STEP(list_directory(directory.get()), join("list '", path, "'"));
}

Status let_owner_write(int directory) {
  const struct stat info = TRY(stat_fd(directory));
  if ((info.st_mode & S_IRWXU) == S_IRWXU) return {};
  if (::fchmod(directory, (info.st_mode & 07777U) | S_IRWXU) == 0) return {};
  return last_error("let a directory's owner write in it");
}

Status rename_file(int at, const std::string& from, const std::string& to) {
  if (::renameat(at, from.c_str(), at, to.c_str()) == 0) return {};
  return last_error(join("rename '", from, "' to '", to, "'"));
}

Status remove_file(int at, const std::string& name) {
  if (::unlinkat(at, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return last_error(join("remove '", name, "'"));
}

Result<Fd> open_beneath(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: somebody renamed a component on the way; the kernel asks for another try.
  for (int attempt = 0;; ++attempt) {
    const long fd =
        retrying([&] { return ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how)); });
    if (fd >= 0) return Fd(static_cast<int>(fd));
    constexpr int kAttempts = 16;
    if (errno != EAGAIN || attempt == kAttempts) return last_error(join("open '", path, "'"));
  }
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string base_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_plain_absolute(std::string_view path) {
  if (path.size() < 2 || path.front() != '/') return false;
  const std::vector<std::string> components = split(path.substr(1), '/');
  return std::all_of(components.begin(), components.end(), is_ordinary);
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.substr(0, directory.size()) == directory &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace os
