#include "init/workspace_acl.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "init/users.h"
#include "os/paths.h"
#include "os/walk.h"

namespace init {
namespace {

using os::Acl;
using os::AclKind;
using os::Status;

constexpr std::uint16_t kRead = 4;
constexpr std::uint16_t kWrite = 2;
constexpr std::uint16_t kExecute = 1;
constexpr std::uint16_t kAll = kRead | kWrite | kExecute;

const std::vector<uid_t>& both() {
  static const std::vector<uid_t> users = {kAgentUser, kAgentCli};
  return users;
}

bool is_ours(std::uint32_t id) { return id == kAgentUser || id == kAgentCli; }

bool has_list(const struct stat& info) { return S_ISDIR(info.st_mode) || S_ISREG(info.st_mode); }

os::Result<Acl> access_list(int file, mode_t mode) {
  Acl acl = TRY(os::read_acl(file, AclKind::access));
  if (acl.empty()) acl = os::acl_of_mode(mode);
  return acl;
}

// A list that names both of us is what a killed session left, or what this walk has just set by
// another name of the same file. What counts is the list below it.
bool is_leftover(const Acl& acl) {
  const auto names = [&](uid_t user) {
    return std::any_of(acl.begin(), acl.end(), [&](const os::AclEntry& entry) {
      return entry.tag == os::AclTag::user && entry.id == user;
    });
  };
  return names(kAgentUser) && names(kAgentCli);
}

Acl without_leftover(const Acl& acl) { return is_leftover(acl) ? os::revoke(acl, both()) : acl; }

bool is_anothers(std::uint32_t id, std::uint32_t owner) { return is_ours(id) && id != owner; }

// A killed session's own file, too, is one of our ids, but has its list.
bool is_to_be_kept(const os::Visited& at, uid_t uid, gid_t gid) {
  const struct stat& info = at.info;
  if (!is_anothers(info.st_uid, uid) && !is_anothers(info.st_gid, gid)) return false;
  if (!has_list(info)) return true;
  const auto file = os::reopen(at.entry, O_RDONLY);
  if (!file.ok()) return true;
  const auto access = os::read_acl(file.value().get(), AclKind::access);
  return !access.ok() || !is_leftover(access.value());
}

// New files get what a umask of 022 leaves them: a list takes the place of the umask.
constexpr mode_t kUsual = 0755;

Status grant_one(const os::Visited& at, AclRecord& record) {
  const os::Fd opened = TRY(os::reopen(at.entry, O_RDONLY));
  const int file = opened.get();
  const struct stat& info = at.info;
  const bool directory = S_ISDIR(info.st_mode);
  const Acl access = without_leftover(TRY(access_list(file, info.st_mode)));
  Acl initial = directory ? without_leftover(TRY(os::read_acl(file, AclKind::initial))) : Acl{};
  if (!os::is_extended(initial)) initial.clear();
  const auto execute = (info.st_mode & S_IXUSR) != 0 ? kExecute : std::uint16_t{0};
  const std::uint16_t bits = kRead | kWrite | (directory ? kExecute : execute);
  TRY(os::write_acl(file, AclKind::access, os::grant(access, both(), bits)));
  if (directory) {
    const Acl base = initial.empty() ? os::acl_of_mode(kUsual) : initial;
    TRY(os::write_acl(file, AclKind::initial, os::grant(base, both(), kAll)));
  }
  // Asked for only now: overlayfs gives a file another inode when it is first written to.
  const os::FileBirth birth = TRY(os::file_birth(file));
  if (os::is_extended(access) || !initial.empty()) record.extended[birth] = {access, initial};
  return {};
}

Status restore_lists(const os::Visited& at, const AclRecord& before) {
  const struct stat& info = at.info;
  const os::Fd file = TRY(os::reopen(at.entry, O_RDONLY));
  const auto known = before.extended.find(TRY(os::file_birth(file.get())));
  const bool was_extended = known != before.extended.end();
  const Acl access = TRY(access_list(file.get(), info.st_mode));
  TRY(os::write_acl(file.get(), AclKind::access,
                    was_extended ? known->second.access : os::revoke(access, both())));
  if (!S_ISDIR(info.st_mode)) return {};
  if (was_extended) return os::write_acl(file.get(), AclKind::initial, known->second.initial);
  const Acl initial = os::revoke(TRY(os::read_acl(file.get(), AclKind::initial)), both());
  return os::write_acl(file.get(), AclKind::initial, os::is_extended(initial) ? initial : Acl{});
}

Status restore_owner(const os::Visited& at, uid_t uid, gid_t gid, const AclRecord& before) {
  const struct stat& info = at.info;
  if (!is_anothers(info.st_uid, uid) && !is_anothers(info.st_gid, gid)) return {};
  const os::FileBirth birth = TRY(os::file_birth(at.entry));
  if (before.kept.contains(birth)) return {};
  return os::change_owner(at.entry, is_ours(info.st_uid) ? uid : info.st_uid,
                          is_ours(info.st_gid) ? gid : info.st_gid);
}

void keep_first(Status& first, Status status) {
  if (first.ok() && !status.ok()) first = std::move(status);
}

}  // namespace

os::Result<AclRecord> open_to_both(const std::string& directory, uid_t uid, gid_t gid) {
  AclRecord record;
  const os::Fd root = TRY(os::open_file(directory, O_PATH | O_DIRECTORY));
  bool is_root = true;  // the walk begins with it
  const auto visit = [&](const os::Visited& at) -> Status {
    const bool keep = is_to_be_kept(at, uid, gid);
    Status granted = has_list(at.info) ? grant_one(at, record) : Status();
    if (keep) record.kept.insert(TRY(os::file_birth(at.entry)));
    return std::exchange(is_root, false) ? std::move(granted) : Status();
  };
  TRY(os::walk_tree(root.get(), visit));
  return record;
}

os::Status close_to_both(const std::string& directory, uid_t uid, gid_t gid,
                         const AclRecord& before, const std::function<void()>& visited) {
  Status first;
  const os::Fd root = TRY(os::open_file(directory, O_PATH | O_DIRECTORY));
  const auto visit = [&](const os::Visited& at) -> Status {
    keep_first(first, restore_owner(at, uid, gid, before));
    if (has_list(at.info)) keep_first(first, restore_lists(at, before));
    if (visited) visited();
    return {};
  };
  keep_first(first, os::walk_tree(root.get(), visit));
  return first;
}

}  // namespace init
