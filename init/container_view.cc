// Engine local: the container that an image would otherwise bring; see init/trees.h.

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "init/tree.h"
#include "init/trees.h"
#include "os/idmap.h"
#include "os/mounts.h"
#include "os/paths.h"
#include "os/text.h"

namespace init {
namespace {

using os::Depth;
using os::Status;

constexpr os::MountFlags kPlain = os::kNoSuid | os::kNoDev;

// A mount taken from the machine before the new root hides where it was.
struct Taken {
  os::Fd mount;
  std::string path;  // in the container
};

// The directory as if root owned it: a vendor CLI installed by a developer must not be a program
// that one of our identities owns or may read where others may not. Not every filesystem can.
void show_as_roots(const os::Fd& mount, const struct stat& info) {
  const auto owned_by_root = [](std::uint32_t id) {
    return id == 0 ? std::vector<os::IdMove>{} : std::vector<os::IdMove>{{id, 0}, {0, id}};
  };
  if (info.st_uid == 0 && info.st_gid == 0) return;
  const os::Result<os::Fd> ids = os::make_id_namespace(
      os::complete_map(owned_by_root(info.st_uid)), os::complete_map(owned_by_root(info.st_gid)));
  if (ids.ok()) (void)os::map_ids(mount.get(), ids.value().get(), Depth::all).ok();
}

os::Result<Taken> take_program_directory(const std::string& directory, const std::string& path) {
  const std::string real = TRY(os::real_path(directory));
  os::Fd mount = TRY(os::clone_mount(real, Depth::all));
  TRY(os::add_flags(mount.get(), kPlain | os::kReadOnly, Depth::all));
  show_as_roots(mount, TRY(os::stat_path(real)));
  return Taken{std::move(mount), path};
}

os::Result<std::vector<Taken>> take(const ViewOptions& options) {
  std::vector<Taken> taken;
  for (const UserDir& directory : options.workspace->dirs) {
    os::Fd mount = TRY(os::clone_mount(directory.host, Depth::all));
    TRY(os::add_flags(mount.get(), kPlain, Depth::all));
    taken.push_back({std::move(mount), directory.inside});
  }
  for (const std::string& directory : options.cli_dirs) {
    if (!os::is_plain_absolute(directory) || is_reserved(directory)) {
      return os::Error{EINVAL, os::join("show '", directory, "' in the session: it has something ",
                                        "else there; use another directory")};
    }
    if (is_system_path(directory)) continue;
    taken.push_back(TRY_STEP(take_program_directory(directory, directory), "show --cli-dir"));
  }
  if (!options.libexec.empty()) {
    taken.push_back(TRY_STEP(take_program_directory(options.libexec, kLibexec), "show libexec"));
  }
  return taken;
}

Status add_empty_directories(const Tree& tree) {
  TRY(tree.directory("/root", 0700));
  TRY(tree.directory("/tmp"));
  TRY(tree.directory(kHome));
  return tree.directory(kWorkspace);
}

}  // namespace

Status prepare_container_view(const ViewOptions& options) {
  TRY(os::make_all_private());
  // The machine's /proc would show processes under numbers that are not those of this namespace.
  const os::Fd own_proc = TRY(os::new_proc(false));
  TRY(os::attach_mount(own_proc.get(), "/proc"));
  const std::vector<Taken> taken = TRY(take(options));

  // /tmp is on every machine, and nothing below it is taken any more.
  const Tree tree("/tmp");
  const os::Fd root = TRY(os::new_tmpfs({.size = "16m"}, kPlain));
  TRY(os::attach_mount(root.get(), "/tmp"));
  const os::Fd run = TRY(os::new_tmpfs({.size = "16m"}, kPlain | os::kNoExec));
  TRY(tree.attach(run, "/run"));
  TRY(tree.system_directories());
  TRY(tree.devices());
  TRY(add_empty_directories(tree));
  for (const Taken& mount : taken) TRY(tree.attach(mount.mount, mount.path));
  const os::Fd proc = TRY(os::new_proc(false));
  TRY(tree.attach(proc, "/proc"));
  return tree.enter();
}

}  // namespace init
