#include "init/tree.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "init/trees.h"
#include "os/creds.h"
#include "os/mountinfo.h"
#include "os/paths.h"
#include "os/text.h"

namespace init {
namespace {

using os::Depth;
using os::Kind;
using os::Status;

constexpr os::MountFlags kSystem = os::kReadOnly | os::kNoSuid | os::kNoDev;

// What programs are installed in.
constexpr std::array kTopLevel = {"/bin",    "/etc", "/lib",  "/lib32", "/lib64",
                                  "/libx32", "/opt", "/sbin", "/usr"};

// Of /var only what installed programs read: the package list, and what the package manager made
// for interpreters and TeX. The rest of it is data of the machine's services.
constexpr std::array kState = {"/var/lib/ca-certificates-java", "/var/lib/dpkg", "/var/lib/gems",
                               "/var/lib/texmf"};

constexpr std::array kDevices = {"null", "zero", "full", "random", "urandom", "tty"};

constexpr std::array<std::pair<const char*, const char*>, 5> kDeviceLinks = {{
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
    {"ptmx", "pts/ptmx"},
}};

}  // namespace

bool is_system_path(const std::string& path) {
  return std::any_of(kTopLevel.begin(), kTopLevel.end(),
                     [&](const char* top) { return os::is_below(path, top); });
}

bool is_reserved(const std::string& path) {
  constexpr std::array kOwn = {"/proc",    "/sys",   "/dev", "/run",
                               "/var/run", kLibexec, kHome,  kWorkspace};
  return os::is_below("/tmp", path) || os::is_below("/var/tmp", path) ||
         std::any_of(kOwn.begin(), kOwn.end(), [&](const char* own) {
           return os::is_below(path, own) || os::is_below(own, path);
         });
}

Status Tree::directory(const std::string& path, mode_t mode) const {
  TRY(os::make_directories(at(os::parent_of(path)), 0755));
  return os::make_directory(at(path), mode);
}

Status Tree::symlink(const std::string& target, const std::string& path) const {
  return os::make_symlink(target, at(path));
}

Status Tree::attach(const os::Fd& mount, const std::string& path, bool file) const {
  for (const Shared& base : shared_) {
    if (path != base.path && os::is_below(path, base.path)) {
      return attach_in_shared(base, mount, path);
    }
  }
  if (file) {
    TRY(os::make_directories(at(os::parent_of(path)), 0755));
    TRY(os::make_file(at(path)));
  } else if (os::kind_of(at(path)) == Kind::nothing) {
    TRY(directory(path));
  }
  return os::attach_mount(mount.get(), at(path));
}

Status Tree::bind(const std::string& source, const std::string& path, os::MountFlags flags) const {
  const os::Fd mount = TRY(os::clone_mount(source, Depth::all));
  TRY_STEP(os::add_flags(mount.get(), flags, Depth::all), os::join("bind '", source, "'"));
  return attach(mount, path, os::kind_of(source) != Kind::directory);
}

Status Tree::move(const std::string& source, const std::string& path) const {
  if (os::kind_of(at(path)) == Kind::nothing) TRY(directory(path));
  return os::move_mount_to(source, at(path));
}

Status Tree::attach_as(Owner owner, const os::Fd& mount, const std::string& path) const {
  const os::FsUser user = TRY(os::FsUser::enter(owner.uid, owner.gid));
  TRY(os::make_directories(at(path), 0700));
  return os::attach_mount(mount.get(), at(path));
}

Status Tree::attach_in_shared(const Shared& base, const os::Fd& mount,
                              const std::string& path) const {
  const std::size_t slash = path.find('/', base.path.size() + 1);
  const std::string first = path.substr(0, slash);
  os::Fd top;
  {
    const os::FsUser user = TRY(os::FsUser::enter(base.owner.uid, base.owner.gid));
    TRY(os::make_directory(at(first), 0755));
    if (slash == std::string::npos) return os::attach_mount(mount.get(), at(first));
    top = TRY(skeleton(base.path, first));
  }
  TRY(os::make_directories(top.get(), path.substr(slash + 1), 0755));
  const os::FsUser user = TRY(os::FsUser::enter(base.owner.uid, base.owner.gid));
  return os::attach_mount(mount.get(), at(path));
}

// The root of the mount at `first`, which is made when there is none yet.
os::Result<os::Fd> Tree::skeleton(const std::string& base, const std::string& first) const {
  const os::FileId there = TRY(os::file_id_at(AT_FDCWD, at(first)));
  const os::FileId below = TRY(os::file_id_at(AT_FDCWD, at(base)));
  if (there.dev == below.dev) {
    const os::Fd mount =
        TRY(os::new_tmpfs({.size = "64k"}, os::kNoSuid | os::kNoDev | os::kNoExec));
    TRY(os::make_private(mount.get()));
    TRY(os::attach_mount(mount.get(), at(first)));
  }
  return os::open_file(at(first), O_PATH | O_DIRECTORY);
}

Status Tree::seal(Owner owner, const std::string& path) const {
  const os::FsUser user = TRY(os::FsUser::enter(owner.uid, owner.gid));
  const os::Fd mount = TRY(os::open_file(at(path), O_PATH | O_DIRECTORY));
  TRY(os::make_private(mount.get()));
  return os::make_unbindable(mount.get());
}

Status Tree::system_directory(const std::string& path) const {
  const Kind kind = os::kind_of(path);
  if (kind == Kind::link) return symlink(TRY(os::read_link_at(AT_FDCWD, path)), path);
  if (kind == Kind::directory) return bind(path, path, kSystem);
  return {};
}

Status Tree::system_directories() const {
  for (const char* path : kTopLevel) TRY(system_directory(path));
  for (const char* path : kState) TRY(system_directory(path));
  TRY(directory("/var"));
  TRY(directory("/proc"));
  TRY(directory("/run"));
  // Relative, so that they lead into this tree while it is built.
  TRY(symlink("../run", "/var/run"));
  TRY(symlink("../tmp", "/var/tmp"));
  return resolver();
}

// Where /etc/resolv.conf is a link into /run, as systemd-resolved and resolvconf have it, the file
// it names is copied: nothing else of the machine's /run is wanted.
Status Tree::resolver() const {
  constexpr mode_t kReadable = 0444;
  const os::Result<std::string> real = os::real_path("/etc/resolv.conf");
  if (!real.ok() || !os::is_below(real.value(), "/run")) return {};
  if (os::kind_of(at(real.value())) != Kind::nothing) return {};
  TRY(directory(os::parent_of(real.value())));
  return os::write_file(at(real.value()), TRY(os::read_file(real.value())), kReadable);
}

Status Tree::devices() const {
  constexpr os::MountFlags kDevice = os::kReadOnly | os::kNoSuid | os::kNoExec;
  TRY(directory("/dev"));
  for (const char* name : kDevices) {
    const std::string device = os::join("/dev/", name);
    TRY(bind(device, device, kDevice));
  }
  for (const auto& [name, target] : kDeviceLinks) TRY(symlink(target, os::join("/dev/", name)));
  const os::Fd terminals = TRY(os::new_devpts());
  TRY(os::make_private(terminals.get()));
  TRY(attach(terminals, "/dev/pts"));
  return directory("/dev/shm");
}

Status Tree::processes(bool hide_pids) const {
  const os::Fd proc = TRY(os::new_proc(hide_pids));
  TRY(attach(proc, "/proc"));
  for (const os::MountEntry& cover : TRY(os::read_mountinfo())) {
    // Read-only views of /proc itself keep root from changing something: no root is in a tree.
    if (!os::is_below(cover.target, "/proc") || cover.type == "proc") continue;
    if (os::kind_of(at(cover.target)) == os::Kind::nothing) continue;
    const os::Fd mount = TRY(os::clone_mount(cover.target, Depth::one));
    TRY(os::add_flags(mount.get(), kSystem, Depth::one));
    TRY(os::attach_mount(mount.get(), at(cover.target)));
  }
  return {};
}

Status Tree::enter() const {
  const os::Fd root = TRY(os::open_file(root_, O_PATH | O_DIRECTORY));
  TRY(os::add_flags(root.get(), os::kReadOnly, Depth::one));
  return os::enter_root(root_);
}

}  // namespace init
