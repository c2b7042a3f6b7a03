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
Acl without_leftover(const Acl& acl) {
  const auto names = [&](uid_t user) {
    return std::any_of(acl.begin(), acl.end(), [&](const os::AclEntry& entry) {
      return entry.tag == os::AclTag::user && entry.id == user;
    });
  };
  return names(kAgentUser) && names(kAgentCli) ? os::revoke(acl, both()) : acl;
}

Status grant_one(int file, const struct stat& info, AclRecord& record) {
  const bool directory = S_ISDIR(info.st_mode);
  const Acl access = without_leftover(TRY(access_list(file, info.st_mode)));
  Acl initial = directory ? without_leftover(TRY(os::read_acl(file, AclKind::initial))) : Acl{};
  if (!os::is_extended(initial)) initial.clear();
  const auto execute = (info.st_mode & S_IXUSR) != 0 ? kExecute : std::uint16_t{0};
  const std::uint16_t bits = kRead | kWrite | (directory ? kExecute : execute);
  TRY(os::write_acl(file, AclKind::access, os::grant(access, both(), bits)));
  if (directory) {
    const Acl base = initial.empty() ? os::acl_of_mode(info.st_mode) : initial;
    TRY(os::write_acl(file, AclKind::initial, os::grant(base, both(), kAll)));
  }
  // Asked for now: overlayfs gives a file another inode when it is first written to.
  const os::FileId id = TRY(os::file_id(file));
  if (os::is_extended(access) || !initial.empty()) record.extended[id] = {access, initial};
  if (is_ours(info.st_uid) || is_ours(info.st_gid)) record.kept.insert(id);
  return {};
}

Status restore_lists(int entry, const struct stat& info, const AclRecord& before) {
  const os::Fd file = TRY(os::reopen(entry, O_RDONLY));
  const auto known = before.extended.find({info.st_dev, info.st_ino});
  const bool was_extended = known != before.extended.end();
  const Acl access = TRY(access_list(file.get(), info.st_mode));
  TRY(os::write_acl(file.get(), AclKind::access,
                    was_extended ? known->second.access : os::revoke(access, both())));
  if (!S_ISDIR(info.st_mode)) return {};
  if (was_extended) return os::write_acl(file.get(), AclKind::initial, known->second.initial);
  const Acl initial = os::revoke(TRY(os::read_acl(file.get(), AclKind::initial)), both());
  return os::write_acl(file.get(), AclKind::initial, os::is_extended(initial) ? initial : Acl{});
}

Status restore_owner(int entry, const struct stat& info, uid_t uid, gid_t gid,
                     const AclRecord& before) {
  if (before.kept.contains({info.st_dev, info.st_ino})) return {};
  if (!is_ours(info.st_uid) && !is_ours(info.st_gid)) return {};
  return os::change_owner(entry, is_ours(info.st_uid) ? uid : info.st_uid,
                          is_ours(info.st_gid) ? gid : info.st_gid);
}

void keep_first(Status& first, Status status) {
  if (first.ok() && !status.ok()) first = std::move(status);
}

}  // namespace

os::Result<AclRecord> open_to_both(const std::string& directory) {
  AclRecord record;
  const os::Fd root = TRY(os::open_file(directory, O_PATH | O_DIRECTORY));
  bool is_root = true;  // the walk begins with it
  const auto visit = [&](const os::Visited& at) -> Status {
    if (!has_list(at.info)) return {};
    const os::Fd file = TRY(os::reopen(at.entry, O_RDONLY));
    Status granted = grant_one(file.get(), at.info, record);
    if (!std::exchange(is_root, false)) return {};
    return granted;
  };
  TRY(os::walk_tree(root.get(), visit));
  return record;
}

os::Status close_to_both(const std::string& directory, uid_t uid, gid_t gid,
                         const AclRecord& before) {
  Status first;
  const os::Fd root = TRY(os::open_file(directory, O_PATH | O_DIRECTORY));
  const auto visit = [&](const os::Visited& at) -> Status {
    keep_first(first, restore_owner(at.entry, at.info, uid, gid, before));
    if (has_list(at.info)) keep_first(first, restore_lists(at.entry, at.info, before));
    return {};
  };
  keep_first(first, os::walk_tree(root.get(), visit));
  return first;
}

}  // namespace init
