#include "os/creds.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "os/fd.h"
#include "os/text.h"

namespace os {
namespace {

constexpr auto kNobodyAsked = static_cast<uid_t>(-1);

// setfsuid(2) reports nothing; an id that cannot exist changes nothing and gives the present one.
uid_t fs_uid() { return static_cast<uid_t>(::setfsuid(kNobodyAsked)); }
gid_t fs_gid() { return static_cast<gid_t>(::setfsgid(kNobodyAsked)); }

// Of this thread alone: setresuid(3) would change all. The kernel sets the file-access ids to the
// effective ones.
bool set_real_ids(uid_t uid, gid_t gid) {
  return ::syscall(SYS_setresgid, gid, -1, -1) == 0 && ::syscall(SYS_setresuid, uid, -1, -1) == 0;
}

}  // namespace

Result<FsUser> FsUser::enter(uid_t uid, gid_t gid) {
  const auto old_gid = static_cast<gid_t>(::setfsgid(gid));
  const auto old_uid = static_cast<uid_t>(::setfsuid(uid));
  FsUser user(old_uid, old_gid);
  if (fs_uid() != uid || fs_gid() != gid) {
    return Error{EPERM, join("act on files as uid ", uid, " gid ", gid)};
  }
  return user;
}

FsUser::FsUser(FsUser&& other) noexcept
    : old_uid_(other.old_uid_),
      old_gid_(other.old_gid_),
      active_(std::exchange(other.active_, false)) {}

FsUser::~FsUser() {
  if (!active_) return;
  ::setfsuid(old_uid_);
  ::setfsgid(old_gid_);
}

Result<RealUser> RealUser::enter(std::optional<uid_t> user) {
  if (!user) return RealUser(std::nullopt);
  RealUser entered(Ids{::getuid(), ::getgid(), fs_uid(), fs_gid()});
  if (!set_real_ids(*user, *user)) return last_error(join("trace as uid ", *user));
  return entered;
}

RealUser::RealUser(RealUser&& other) noexcept
    : before_(std::exchange(other.before_, std::nullopt)) {}

RealUser::~RealUser() {
  if (!before_) return;
  static_cast<void>(set_real_ids(before_->real_uid, before_->real_gid));
  ::setfsuid(before_->fs_uid);
  ::setfsgid(before_->fs_gid);
}

Status become(uid_t uid, gid_t gid) {
  if (::setgroups(0, nullptr) != 0) return last_error("drop supplementary groups");
  if (::setresgid(gid, gid, gid) != 0) return last_error(join("become gid ", gid));
  if (::setresuid(uid, uid, uid) != 0) return last_error(join("become uid ", uid));
  return {};
}

Status no_new_privs() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return last_error("set no_new_privs");
  return {};
}

Status set_dumpable(bool on) {
  if (::prctl(PR_SET_DUMPABLE, on ? 1 : 0, 0, 0, 0) != 0) return last_error("set dumpable");
  return {};
}

Status keep_memory_out_of_cores() {
  const auto filter = open_file("/proc/self/coredump_filter", O_WRONLY);
  if (filter.ok()) return write_all(filter.value().get(), "0");
  if (filter.error().code == ENOENT) return {};  // a kernel that dumps no core
  return filter.error();
}

Status offer_to_tracers() {
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);  // EINVAL: no Yama
  return set_dumpable(true);
}

void withdraw_offer() { ::prctl(PR_SET_PTRACER, 0, 0, 0, 0); }

Status set_parent_death_signal(int signal, pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0) {
    return last_error("set the parent-death signal");
  }
  if (::getppid() != parent) return Error{ESRCH, "parent ended before its child was ready"};
  return {};
}

}  // namespace os
