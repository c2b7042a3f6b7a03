// agent-sandbox: forks a parked sandbox for each request; see runner/sandbox.h.

#include <cap-ng.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "runner/sandbox.h"
#include "runner/sandbox_desk.h"
#include "runner/sandbox_fds.h"

namespace runner::sandbox {

Park parked_as;

namespace {

constexpr std::size_t kFilterBytes = 16384;

struct Filters {
  SandboxSetup setup;
  alignas(sock_filter) unsigned char programs[kFilterBytes];
};
Filters filters;

// 0 or an errno value.
int receive_setup() {
  const ssize_t size = ::recv(kSocket, &filters, sizeof filters, 0);
  if (size < static_cast<ssize_t>(sizeof(SandboxSetup))) return size < 0 ? errno : EPROTO;
  std::size_t expected = sizeof(SandboxSetup);
  for (const std::uint32_t bytes : filters.setup.filter_bytes) expected += bytes;
  if (filters.setup.magic != kSetupMagic || static_cast<std::size_t>(size) != expected) {
    return EPROTO;
  }
  return 0;
}

int install_filter(unsigned index) {
  std::size_t offset = 0;
  for (unsigned i = 0; i < index; ++i) offset += filters.setup.filter_bytes[i];
  sock_fprog program{};
  program.len =
      static_cast<unsigned short>(filters.setup.filter_bytes[index] / sizeof(sock_filter));
  program.filter = reinterpret_cast<sock_filter*>(filters.programs + offset);
  const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  return result == 0 ? 0 : errno;
}

// The order is the only safe one: groups before the user, no_new_privs before the filter. The
// bounding set is empty since drop_bounding_set(). 0 or an errno value.
int confine(const Park& park, int landlock_ruleset) {
  if (::setgroups(0, nullptr) != 0) return errno;
  if (::setresgid(filters.setup.gid, filters.setup.gid, filters.setup.gid) != 0) return errno;
  if (::setresuid(filters.setup.uid, filters.setup.uid, filters.setup.uid) != 0) return errno;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
  if (landlock_ruleset >= 0) {
    if (::syscall(SYS_landlock_restrict_self, landlock_ruleset, 0) != 0) return errno;
    ::close(landlock_ruleset);
  }
  return install_filter(park.filter);
}

// Once, for every sandbox: what a process has already it keeps, what it executes gets nothing.
int drop_bounding_set() {
  capng_clear(CAPNG_SELECT_BOUNDS);
  return capng_apply(CAPNG_SELECT_BOUNDS) == 0 ? 0 : EPERM;
}

// Numbers up to the hard limit must be free for the command's descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

[[noreturn]] void parked(const Park& park, const int* fds) {
  parked_as = park;
  ::close(kSocket);
  ::close(kDeskEnd);
  (void)::signal(SIGCHLD,
                 SIG_DFL);  // ignored in agent-sandbox; an ignored SIGCHLD would be inherited
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  int error = 0;
  if (park.own_pid_namespace != 0) {
    if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
      error = errno;
    }
  } else if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    error = errno;
  }
  if (error == 0) error = confine(park, park.landlock != 0 ? fds[1] : -1);
  if (error != 0) {
    report(fds[0], kReportFailed, error, kStepJob);
    ::_exit(125);
  }
  live(fds[0]);
}

void park_one(const Park& park, const int* fds) {
  clone_args arguments{};
  arguments.flags = CLONE_NEWNS | (park.own_pid_namespace != 0 ? CLONE_NEWPID : 0);
  arguments.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) parked(park, fds);
  if (pid < 0) report(fds[0], kReportFailed, errno, kStepJob);
}

// False: PID 1 is gone.
bool take_park() {
  Park park{};
  int fds[2] = {-1, -1};
  int count = 0;
  const ssize_t size = receive_with_fds(kSocket, &park, sizeof park, fds, 2, count);
  const bool whole = size == static_cast<ssize_t>(sizeof park) && park.magic == kParkMagic &&
                     park.filter < kSandboxFilters && count == (park.landlock != 0 ? 2 : 1);
  if (whole) park_one(park, fds);
  for (int i = 0; i < count; ++i) ::close(fds[i]);
  return size != 0;
}

void serve() {
  for (;;) {
    pollfd entries[2] = {{kSocket, POLLIN, 0}, {kDeskEnd, POLLIN, 0}};
    if (::poll(entries, 2, -1) < 0 && errno != EINTR) return;
    if (entries[1].revents != 0) give_seat();
    if (entries[0].revents != 0 && !take_park()) return;
  }
}

}  // namespace
}  // namespace runner::sandbox

int main() {
  using namespace runner;
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  (void)::signal(SIGCHLD, SIG_IGN);  // the kernel reaps: parked sandboxes and every orphan
  sandbox::raise_descriptor_limit();
  sandbox::note_own_limits();  // inherited by the sandboxes
  int error = sandbox::receive_setup();
  if (error == 0) error = sandbox::open_desk();
  if (error == 0) error = sandbox::drop_bounding_set();
  const SandboxReady ready{kReadyMagic, static_cast<std::uint32_t>(error)};
  ::send(sandbox::kSocket, &ready, sizeof ready, MSG_NOSIGNAL);
  if (ready.error != 0) return 125;
  sandbox::serve();
  return 0;
}
