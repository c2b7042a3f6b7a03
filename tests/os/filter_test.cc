#include "os/filter.h"

#include <asm/termbits.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>

#include "os/creds.h"
#include "tests/support/bpf.h"

namespace {

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kNotify = SECCOMP_RET_USER_NOTIF;
constexpr std::uint32_t kTrace = SECCOMP_RET_TRACE;
constexpr std::uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
constexpr std::uint32_t fails_with(int code) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(code);
}

constexpr long kFchmodat2 = 452;
constexpr int kOpenTreeAttr = 467;
constexpr std::uint64_t kGarbage = 0xdeadbeef00000000;  // what may stand above a 32-bit argument

os::Filter built(os::Result<os::Filter> filter) {
  REQUIRE(filter.ok());
  return std::move(filter).value();
}

struct Program {
  os::Filter filter;
  std::uint32_t operator()(long nr, std::initializer_list<std::uint64_t> args = {},
                           std::uint32_t arch = AUDIT_ARCH_X86_64) const {
    seccomp_data call{};
    call.nr = static_cast<int>(nr);
    call.arch = arch;
    std::size_t i = 0;
    for (const std::uint64_t arg : args) call.args[i++] = arg;
    return test_support::evaluate(filter.program, call);
  }
};

Program cli() { return Program{built(os::cli_filter())}; }
Program sandbox(os::SandboxRules rules = {}) { return Program{built(os::sandbox_filter(rules))}; }

// What `body` returns, or 128+n when signal n ended it, in a process under `filter`.
int in_child(const os::Filter& filter, const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!os::no_new_privs().ok() || !os::install_filter(filter).ok()) ::_exit(99);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("an exec of the CLI goes to the listener, and with the cookie to the tracer") {
  const Program filter = cli();
  for (const long call : {SYS_execve, SYS_execveat}) {
    CHECK(filter(call) == kNotify);
    CHECK(filter(call, {0, 0, 0, 0, 0, os::kCookie}) == kTrace);
    for (int bit = 0; bit < 64; ++bit) {  // nothing but the whole cookie counts
      CHECK(filter(call, {0, 0, 0, 0, 0, os::kCookie ^ (std::uint64_t{1} << bit)}) == kNotify);
    }
    CHECK(sandbox()(call) == kAllow);
  }
}

TEST_CASE("with a tracer for good every exec goes to it, and untrapped ones go nowhere") {
  const Program traced{built(os::cli_filter({os::Trap::trace}))};
  const Program untrapped{built(os::cli_filter({os::Trap::none}))};
  for (const long call : {SYS_execve, SYS_execveat}) {
    CHECK(traced(call) == kTrace);
    CHECK(traced(call, {0, 0, 0, 0, 0, os::kCookie}) == kTrace);
    CHECK(untrapped(call) == kAllow);
  }
  CHECK(traced(SYS_ptrace) == fails_with(EPERM));
  CHECK(traced(SYS_clone3) == fails_with(ENOSYS));
}

TEST_CASE("with a tracer for good a clone that it would not see goes to it first") {
  const Program traced{built(os::cli_filter({os::Trap::trace}))};
  CHECK(traced(SYS_clone, {CLONE_UNTRACED | SIGCHLD}) == kTrace);
  CHECK(traced(SYS_clone, {kGarbage | CLONE_UNTRACED | CLONE_VM | SIGCHLD}) == kTrace);
  CHECK(traced(SYS_clone, {CLONE_VM | SIGCHLD}) == kAllow);
  for (const int flag : {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET}) {
    // The kernel asks the filter again when the tracer has taken its flag away.
    CHECK(traced(SYS_clone, {std::uint64_t(flag) | CLONE_UNTRACED | SIGCHLD}) != kAllow);
    CHECK(traced(SYS_clone, {std::uint64_t(flag) | SIGCHLD}) == fails_with(EPERM));
  }
  CHECK(cli()(SYS_clone, {CLONE_UNTRACED | SIGCHLD}) == kAllow);
}

TEST_CASE("only where it must stay dumpable the CLI is told that it is not, and is") {
  const Program filter{built(os::cli_filter({.stays_dumpable = true}))};
  CHECK(filter(SYS_prctl, {PR_SET_DUMPABLE, 0}) == fails_with(0));
  CHECK(filter(SYS_prctl, {kGarbage | PR_SET_DUMPABLE, 0}) == fails_with(0));
  CHECK(filter(SYS_prctl, {PR_SET_DUMPABLE, 1}) == kAllow);
  CHECK(filter(SYS_prctl, {PR_SET_DUMPABLE, kGarbage}) == kAllow);  // EINVAL
  CHECK(filter(SYS_prctl, {PR_GET_DUMPABLE, 0}) == kAllow);
  CHECK(cli()(SYS_prctl, {PR_SET_DUMPABLE, 0}) == kAllow);
}

TEST_CASE("calls by a foreign ABI are killed by every filter") {
  for (const Program& filter : {cli(), sandbox(), sandbox({true, true})}) {
    for (const unsigned arch : {0U + AUDIT_ARCH_I386, 0U + AUDIT_ARCH_ARM, AUDIT_ARCH_AARCH64}) {
      CHECK(filter(SYS_getpid, {}, arch) == kKill);
    }
    for (long nr = 0; nr < 600; ++nr) CHECK(filter(0x40000000 | nr) == kKill);
    CHECK(filter(-1) == kAllow);  // a tracer's way to skip a call
  }
}

TEST_CASE("the CLI can make no namespace, no mount, no second listener and no trace") {
  const Program filter = cli();
  for (const long call : {SYS_unshare, SYS_setns, SYS_ptrace, SYS_process_vm_readv,
                          SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp, SYS_mount, SYS_umount2,
                          SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount,
                          SYS_fspick, SYS_mount_setattr, SYS_pivot_root, SYS_chroot}) {
    CHECK(filter(call) == fails_with(EPERM));
  }
  CHECK(filter(kOpenTreeAttr) == fails_with(EPERM));
  CHECK(filter(SYS_clone3) == fails_with(ENOSYS));
  for (const int flag : {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
                         CLONE_NEWPID, CLONE_NEWNET}) {
    CHECK(filter(SYS_clone, {std::uint64_t(flag) | SIGCHLD}) == fails_with(EPERM));
  }
  CHECK(filter(SYS_clone, {CLONE_VM | CLONE_VFORK | SIGCHLD}) == kAllow);
  CHECK(filter(SYS_clone, {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD}) ==
        kAllow);
  CHECK(filter(SYS_seccomp, {1, SECCOMP_FILTER_FLAG_NEW_LISTENER}) == fails_with(EBUSY));
  CHECK(filter(SYS_seccomp, {1, SECCOMP_FILTER_FLAG_NEW_LISTENER | 1}) == fails_with(EBUSY));
  CHECK(filter(SYS_seccomp, {1, SECCOMP_FILTER_FLAG_TSYNC}) == kAllow);
}

TEST_CASE(
    "no filter lets the key ring, io_uring, bpf, modules or typed-in terminal bytes through") {
  for (const Program& filter : {cli(), sandbox(), sandbox({true, true})}) {
    for (const long call :
         {SYS_keyctl, SYS_add_key, SYS_request_key, SYS_bpf, SYS_userfaultfd, SYS_io_uring_setup,
          SYS_io_uring_enter, SYS_io_uring_register, SYS_perf_event_open, SYS_init_module,
          SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load}) {
      CHECK(filter(call) == fails_with(EPERM));
    }
    CHECK(filter(SYS_ioctl, {0, TIOCSTI}) == fails_with(EPERM));
    CHECK(filter(SYS_ioctl, {0, TIOCSTI | kGarbage}) == fails_with(EPERM));
    CHECK(filter(SYS_ioctl, {0, TIOCLINUX | kGarbage}) == fails_with(EPERM));
    CHECK(filter(SYS_ioctl, {0, TIOCGWINSZ}) == kAllow);
  }
}

TEST_CASE("no call may set a setuid or setgid bit, unless the profile allows it") {
  constexpr std::uint64_t kTmp = O_TMPFILE | O_RDWR;
  for (const Program& filter : {cli(), sandbox(), sandbox({false, true})}) {
    for (const std::uint64_t mode : {04755U, 02755U, 06755U, 07777U}) {
      for (const long call : {SYS_chmod, SYS_fchmod, SYS_mknod, SYS_creat}) {
        CHECK(filter(call, {0, mode}) == fails_with(EPERM));
      }
      for (const long call : {long{SYS_fchmodat}, long{SYS_mknodat}, kFchmodat2}) {
        CHECK(filter(call, {0, 0, mode}) == fails_with(EPERM));
      }
      for (const std::uint64_t flags : {std::uint64_t{O_CREAT | O_WRONLY}, kTmp, kTmp | O_CREAT}) {
        CHECK(filter(SYS_open, {0, flags, mode}) == fails_with(EPERM));
        CHECK(filter(SYS_openat, {0, 0, flags, mode}) == fails_with(EPERM));
      }
      // Without O_CREAT the mode is garbage, and opening directories must work.
      CHECK(filter(SYS_open, {0, O_RDONLY | O_DIRECTORY, mode}) == kAllow);
      CHECK(filter(SYS_openat, {0, 0, O_RDONLY | O_DIRECTORY, mode}) == kAllow);
    }
    for (const std::uint64_t mode : {0755U, 01777U, 0U}) {
      CHECK(filter(SYS_chmod, {0, mode}) == kAllow);
      CHECK(filter(SYS_fchmodat, {0, 0, mode}) == kAllow);
      CHECK(filter(SYS_openat, {0, 0, O_CREAT | O_WRONLY, mode}) == kAllow);
    }
    CHECK(filter(SYS_openat2) == fails_with(ENOSYS));
  }
  const Program allowing = sandbox({true, false});
  CHECK(allowing(SYS_chmod, {0, 04755}) == kAllow);
  CHECK(allowing(SYS_openat, {0, 0, O_CREAT, 04755}) == kAllow);
  CHECK(allowing(SYS_openat2) == kAllow);
}

TEST_CASE("a command makes a user namespace only where its profile allows it") {
  const Program denying = sandbox();
  CHECK(denying(SYS_unshare, {CLONE_NEWUSER}) == fails_with(EPERM));
  CHECK(denying(SYS_unshare, {CLONE_NEWUSER | CLONE_NEWNET}) == fails_with(EPERM));
  CHECK(denying(SYS_clone, {CLONE_NEWUSER | SIGCHLD}) == fails_with(EPERM));
  CHECK(denying(SYS_clone3) == fails_with(ENOSYS));
  CHECK(denying(SYS_clone, {SIGCHLD}) == kAllow);
  const Program allowing = sandbox({false, true});
  CHECK(allowing(SYS_unshare, {CLONE_NEWUSER}) == kAllow);
  CHECK(allowing(SYS_clone3) == kAllow);
}

TEST_CASE("everything that no rule names is allowed") {
  const Program filter = sandbox({true, true});
  const std::set<long> denied = {
      SYS_keyctl,          SYS_add_key,        SYS_request_key,    SYS_bpf,
      SYS_userfaultfd,     SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
      SYS_perf_event_open, SYS_init_module,    SYS_finit_module,   SYS_delete_module,
      SYS_kexec_load,      SYS_kexec_file_load};
  for (long nr = 0; nr < 1000; ++nr) {
    CAPTURE(nr);
    CHECK(filter(nr) == (denied.contains(nr) ? fails_with(EPERM) : kAllow));
  }
}

TEST_CASE("the kernel takes the filters and does what they say") {
  const os::Filter filter = built(os::sandbox_filter({}));
  CHECK(in_child(filter, [] {
          std::string path = "/tmp/filter_test.XXXXXX";
          const int fd = ::mkstemp(path.data());
          if (fd < 0) return 1;
          const bool plain = ::fchmod(fd, 0700) == 0;
          const bool suid = ::chmod(path.c_str(), 04700) == -1 && errno == EPERM;
          const bool made =
              ::open((path + "x").c_str(), O_CREAT | O_RDWR, 04700) == -1 && errno == EPERM;
          const bool directory = ::open("/tmp", O_RDONLY | O_DIRECTORY, 07777) >= 0;
          const bool uring = ::syscall(SYS_io_uring_setup, 1, nullptr) == -1 && errno == EPERM;
          ::unlink(path.c_str());
          return plain && suid && made && directory && uring ? 0 : 2;
        }) == 0);
}

#ifdef __x86_64__
TEST_CASE("int 0x80 and x32 calls end the process by SIGSYS") {
  const os::Filter filter = built(os::sandbox_filter({}));
  CHECK(in_child(filter, [] {
          long result = 20;  // getpid of i386
          __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
          return 0;
        }) == 128 + SIGSYS);
  CHECK(in_child(filter, [] {
          ::syscall(0x40000000 | SYS_getpid);
          return 0;
        }) == 128 + SIGSYS);
}
#endif

TEST_CASE("the CLI's filter gives a listener once, and an exec with the cookie alone is ENOSYS") {
  const os::Filter filter = built(os::cli_filter());
  const pid_t child = ::fork();
  if (child == 0) {
    if (!os::no_new_privs().ok()) ::_exit(1);
    auto listener = os::install_listener(filter, true);
    if (!listener.ok()) listener = os::install_listener(filter, false);
    if (!listener.ok()) ::_exit(2);
    if ((::fcntl(listener.value().get(), F_GETFD) & FD_CLOEXEC) == 0) ::_exit(3);
    const auto second = os::install_listener(filter, false);
    if (second.ok() || second.error().code != EBUSY) ::_exit(4);
    if (::syscall(SYS_execve, "/bin/true", nullptr, nullptr, 0, 0, os::kCookie) != -1 ||
        errno != ENOSYS) {
      ::_exit(5);
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
