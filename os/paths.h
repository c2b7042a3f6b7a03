// Directories, files and links by name: making them, looking at them, never following a stranger's
// link where a tree belongs to somebody else.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "os/result.h"

namespace os {

enum class Kind { nothing, directory, file, link, other };

/// What is at `path`; a link is not followed. `nothing` as well where it cannot be looked at. An
/// empty `path` stands for `at` itself.
Kind kind_of(const std::string& path);
Kind kind_at(int at, const std::string& path);

Result<struct stat> stat_path(const std::string& path);
Result<struct stat> stat_fd(int fd);

/// A file told apart from a later one that got its inode number.
struct FileBirth {
  FileId id;
  std::int64_t nanoseconds = 0;  // 0 where the filesystem does not keep it
  bool operator<(const FileBirth& other) const {
    return id != other.id ? id < other.id : nanoseconds < other.nanoseconds;
  }
};
Result<FileBirth> file_birth(int fd);

/// realpath(3).
Result<std::string> real_path(const std::string& path);

/// Makes a directory with exactly `mode`, whatever the umask is. One that exists stays as it is.
Status make_directory(const std::string& path, mode_t mode);

/// Makes `path` and what is missing above it; a relative one starts at the directory `at`.
Status make_directories(const std::string& path, mode_t mode);
Status make_directories(int at, const std::string& path, mode_t mode);

/// Makes an empty file, as a place to mount one on; one that exists stays as it is.
Status make_file(const std::string& path);

Status make_symlink(const std::string& target, const std::string& path);

/// Adds the owner's rights to those of an open directory that lacks some of them.
Status let_owner_write(int directory);

/// Gives what an O_PATH descriptor names, a link itself too, to `uid` and `gid`. Needs CAP_CHOWN.
Status change_owner(int entry, uid_t uid, gid_t gid);

/// The names in a directory, sorted, without `.` and `..`; of a larger directory any `most` of
/// them.
Result<std::vector<std::string>> list_directory(const std::string& path);
Result<std::vector<std::string>> list_directory(int directory,
                                                std::size_t most = static_cast<std::size_t>(-1));

/// Gives the file `from` the name `to`, plain names in the directory `at`; whatever had that name
/// is replaced, a link not followed.
Status rename_file(int at, const std::string& from, const std::string& to);

/// Removes a file or a link if it is there.
Status remove_file(int at, const std::string& name);

/// Opens `path` below the directory `root` without following any link and without leaving `root`;
/// openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS. O_CLOEXEC is added.
Result<Fd> open_beneath(int root, const std::string& path, int flags);

/// The directory part, and the last component. `/a/b` gives `/a` and `b`.
std::string parent_of(const std::string& path);
std::string base_of(const std::string& path);

/// True for an absolute path without `.`, `..`, empty components and a slash at its end.
bool is_plain_absolute(std::string_view path);

/// True when `path` is `directory` or below it; both plain.
bool is_below(std::string_view path, std::string_view directory);

}  // namespace os
