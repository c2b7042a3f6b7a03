// Who a thread or process is: file-access identity, full identity, and what dies with it.
#pragma once

#include <sys/types.h>

#include <optional>

#include "os/result.h"

namespace os {

/// While alive, this thread creates and opens files as `uid`/`gid` (setfsuid(2)); other threads and
/// all other rights are untouched. The old identity comes back at the end. Supplementary groups
/// stay as they are. Takes away the parent-death signal and the dumpable flag. Needs CAP_SETUID and
/// CAP_SETGID.
class FsUser {
 public:
  static Result<FsUser> enter(uid_t uid, gid_t gid);
  FsUser(FsUser&& other) noexcept;
  FsUser& operator=(FsUser&&) = delete;
  FsUser(const FsUser&) = delete;
  FsUser& operator=(const FsUser&) = delete;
  ~FsUser();

 private:
  FsUser(uid_t uid, gid_t gid) : old_uid_(uid), old_gid_(gid) {}
  uid_t old_uid_;
  gid_t old_gid_;
  bool active_ = true;
};

/// While alive, this thread has the real ids of `user`, whose group has the same number: what
/// ptrace(2) and process_vm_readv(2) want of a thread without CAP_SYS_PTRACE. Its effective ids and
/// capabilities stay; for file access it is root meanwhile. Nobody: nothing happens. Needs
/// CAP_SETUID and CAP_SETGID.
class RealUser {
 public:
  static Result<RealUser> enter(std::optional<uid_t> user);
  RealUser(RealUser&& other) noexcept;
  RealUser& operator=(RealUser&&) = delete;
  RealUser(const RealUser&) = delete;
  RealUser& operator=(const RealUser&) = delete;
  ~RealUser();

 private:
  struct Ids {
    uid_t real_uid;
    gid_t real_gid;
    uid_t fs_uid;
    gid_t fs_gid;
  };
  explicit RealUser(std::optional<Ids> before) : before_(before) {}
  std::optional<Ids> before_;
};

/// Drops all supplementary groups, then becomes `gid` and `uid` for good (real, effective, saved).
/// Clears the parent-death signal and the dumpable flag: set those afterwards. prctl(2).
Status become(uid_t uid, gid_t gid);

/// No exec of this process or its children can gain rights any more.
Status no_new_privs();

/// A process that is not dumpable leaves no core, cannot be traced without CAP_SYS_PTRACE, and its
/// /proc files belong to root. An exec sets the flag again.
Status set_dumpable(bool on);

/// A core of this process, or of one that comes of it, has no memory (core(5)): registers, the
/// beginning of the command line, and the names of mapped files. Needs a process that is dumpable,
/// or root's.
Status keep_memory_out_of_cores();

/// This process, not dumpable since a change of identity, may be traced by its own user again.
/// Where Yama lets only ancestors trace, any process may until withdraw_offer() (PR_SET_PTRACER):
/// for code that is ours.
Status offer_to_tracers();
void withdraw_offer();

/// `signal` comes when the thread that forked this process ends. ESRCH when `parent`, as seen from
/// here, is gone already; a namespace's first process sees parent 0 always. A later become() takes
/// the setting away.
Status set_parent_death_signal(int signal, pid_t parent);

}  // namespace os
