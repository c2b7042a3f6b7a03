// A root filesystem under construction: a tmpfs with mounts in it, until a process enters it.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "os/fd.h"
#include "os/mounts.h"
#include "os/result.h"

namespace init {

/// Who may write a directory inside a tree.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// True for a path in one of the directories that Tree::system_directories() shows.
bool is_system_path(const std::string& path);

/// True for a path where the container has something of its own, or that no container may show.
bool is_reserved(const std::string& path);

/// All paths are those the tree will have, `/usr`, unless they are called `source`.
class Tree {
 public:
  /// `root` is where the tree is built: an empty tmpfs mounted at that path.
  explicit Tree(std::string root) : root_(std::move(root)) {}

  /// Where `path` of the tree is now.
  std::string at(const std::string& path) const { return path == "/" ? root_ : root_ + path; }

  os::Status directory(const std::string& path, mode_t mode = 0755) const;
  os::Status symlink(const std::string& target, const std::string& path) const;

  /// Says that commands may write below `path`, whose owner in this tree is `owner`. A mount that
  /// is later attached below gets a place that nobody can move away to put something else there:
  /// its first component is a mount of root's, and so cannot be renamed.
  void shared(const std::string& path, Owner owner) { shared_.push_back({path, owner}); }

  /// Attaches a detached mount; makes the directory, or with `file` the file, it is put on.
  os::Status attach(const os::Fd& mount, const std::string& path, bool file = false) const;

  /// The same below a directory that `owner` alone may write.
  os::Status attach_as(Owner owner, const os::Fd& mount, const std::string& path) const;

  /// Attaches a clone of `source`, a directory with all mounts below it or a file.
  os::Status bind(const std::string& source, const std::string& path, os::MountFlags flags) const;

  /// Moves the mount at `source`, with all below it, to `path`.
  os::Status move(const std::string& source, const std::string& path) const;

  /// Makes the mount at `path` private and unbindable again: a new mount namespace gets its mounts
  /// without that (Linux 6.18; earlier ones keep it). `owner` may look up the path.
  os::Status seal(Owner owner, const std::string& path) const;

  /// The system directories of the machine or image whose root is `/` now: read-only, nosuid,
  /// nodev; links stay links. Never its /root, /home, /run, /tmp, /mnt, /media, /srv.
  os::Status system_directories() const;

  /// /dev with null, zero, full, random, urandom, tty, the usual links, a devpts of its own, and
  /// /dev/shm as an empty directory.
  os::Status devices() const;

  /// The /proc of this pid namespace; `hide_pids` as in os::new_proc(). What an engine covers in
  /// its container's /proc is covered here, too.
  os::Status processes(bool hide_pids) const;

  /// Makes the root read-only and enters it; what was mounted before is gone.
  os::Status enter() const;

 private:
  struct Shared {
    std::string path;
    Owner owner;
  };
  os::Status attach_in_shared(const Shared& base, const os::Fd& mount,
                              const std::string& path) const;
  os::Result<os::Fd> skeleton(const std::string& base, const std::string& first) const;
  os::Status system_directory(const std::string& path) const;
  os::Status resolver() const;

  std::string root_;
  std::vector<Shared> shared_;
};

}  // namespace init
