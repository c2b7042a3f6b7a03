#include "os/filter.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <memory>

#include "os/text.h"

namespace os {
namespace {

// System calls that Debian 12's libseccomp has no name for.
constexpr int kFchmodat2 = 452;     // Linux 6.6
constexpr int kOpenTreeAttr = 467;  // Linux 6.15

constexpr std::uint64_t kTmpfileBit = O_TMPFILE & ~O_DIRECTORY;
constexpr std::uint64_t kLow32 = 0xffffffff;  // the kernel looks at 32 bits of these arguments

constexpr std::initializer_list<std::uint64_t> kSuidBits = {S_ISUID, S_ISGID};
// CLONE_NEWTIME is not here: in clone(2) its bit is part of the exit signal.
constexpr std::initializer_list<std::uint64_t> kNamespaceFlags = {
    CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
    CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

constexpr std::uint32_t fails_with(int code) { return SCMP_ACT_ERRNO(static_cast<unsigned>(code)); }

scmp_arg_cmp has_bits(unsigned argument, std::uint64_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, bits, bits};
}

// Collects rules; the first that libseccomp refuses is what finish() reports.
class Builder {
 public:
  Builder() : context_(::seccomp_init(SCMP_ACT_ALLOW), ::seccomp_release) {
    if (!context_) {
      error_ = ENOMEM;
      return;
    }
    note(::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    // A binary tree over the call numbers: most calls are decided after a few comparisons.
    note(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
  }

  void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> when = {}) {
    if (error_ != 0) return;
    note(::seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(when.size()),
                                  when.begin()));
  }

  void add_all(std::uint32_t action, std::initializer_list<int> calls) {
    for (const int call : calls) add(action, call);
  }

  Result<Filter> finish();

 private:
  void note(int result) {
    if (result < 0 && error_ == 0) error_ = -result;
  }

  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int error_ = 0;
};

Result<Filter> Builder::finish() {
  if (error_ != 0) return Error{error_, "build a seccomp filter"};
  const Fd file = TRY(memory_file("filter", ""));
  const int exported = ::seccomp_export_bpf(context_.get(), file.get());
  if (exported < 0) return Error{-exported, "export a seccomp filter"};
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  Filter filter;
  filter.program.resize(static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (::pread(file.get(), filter.program.data(), static_cast<std::size_t>(size), 0) != size) {
    return last_error("read an exported seccomp filter");
  }
  return filter;
}

// A command must not leave a setuid or setgid file on the host's disk.
void deny_suid(Builder& builder) {
  const std::uint32_t denied = fails_with(EPERM);
  for (const std::uint64_t bit : kSuidBits) {
    builder.add(denied, SCMP_SYS(chmod), {has_bits(1, bit)});
    builder.add(denied, SCMP_SYS(fchmod), {has_bits(1, bit)});
    builder.add(denied, SCMP_SYS(fchmodat), {has_bits(2, bit)});
    builder.add(denied, kFchmodat2, {has_bits(2, bit)});
    builder.add(denied, SCMP_SYS(mknod), {has_bits(1, bit)});
    builder.add(denied, SCMP_SYS(mknodat), {has_bits(2, bit)});
    builder.add(denied, SCMP_SYS(creat), {has_bits(1, bit)});
    // Without one of these flags the mode argument is whatever the register held.
    for (const std::uint64_t making : {std::uint64_t{O_CREAT}, kTmpfileBit}) {
      builder.add(denied, SCMP_SYS(open), {has_bits(1, making), has_bits(2, bit)});
      builder.add(denied, SCMP_SYS(openat), {has_bits(2, making), has_bits(3, bit)});
    }
  }
  builder.add(fails_with(ENOSYS), SCMP_SYS(openat2));  // its mode lies in memory
}

// For the CLI and for commands alike: ways into the kernel that neither needs, and bytes typed
// into a terminal on somebody else's behalf.
void deny_common(Builder& builder) {
  builder.add_all(fails_with(EPERM),
                  {SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(bpf),
                   SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
                   SCMP_SYS(io_uring_register), SCMP_SYS(perf_event_open), SCMP_SYS(init_module),
                   SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
                   SCMP_SYS(kexec_file_load)});
  for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}}) {
    builder.add(fails_with(EPERM), SCMP_SYS(ioctl), {{1, SCMP_CMP_MASKED_EQ, kLow32, request}});
  }
}

void trap_exec(Builder& builder, Trap trap) {
  for (const int call : {SCMP_SYS(execve), SCMP_SYS(execveat)}) {
    if (trap == Trap::none) continue;
    if (trap == Trap::trace) {
      builder.add(SCMP_ACT_TRACE(0), call);
      continue;
    }
    builder.add(SCMP_ACT_TRACE(0), call, {{5, SCMP_CMP_EQ, kCookie, 0}});
    builder.add(SCMP_ACT_NOTIFY, call, {{5, SCMP_CMP_NE, kCookie, 0}});
  }
}

// A process that is not traced could execute nothing: the tracer takes the flag away.
void trap_untraced(Builder& builder, Trap trap) {
  if (trap != Trap::trace) return;
  builder.add(SCMP_ACT_TRACE(0), SCMP_SYS(clone), {has_bits(0, CLONE_UNTRACED)});
}

Result<int> install(const Filter& filter, unsigned flags) {
  const sock_fprog program{static_cast<unsigned short>(filter.program.size()),
                           const_cast<sock_filter*>(filter.program.data())};
  const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (result < 0) return last_error("install a seccomp filter");
  return static_cast<int>(result);
}

}  // namespace

Result<Filter> cli_filter(CliRules rules) {
  Builder builder;
  trap_exec(builder, rules.trap);
  trap_untraced(builder, rules.trap);
  deny_suid(builder);
  deny_common(builder);
  builder.add_all(fails_with(EPERM),
                  {SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
                   SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
                   SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(open_tree), SCMP_SYS(move_mount),
                   SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick),
                   SCMP_SYS(mount_setattr), kOpenTreeAttr, SCMP_SYS(pivot_root), SCMP_SYS(chroot)});
  for (const std::uint64_t flag : kNamespaceFlags) {
    builder.add(fails_with(EPERM), SCMP_SYS(clone), {has_bits(0, flag)});
  }
  builder.add(fails_with(ENOSYS), SCMP_SYS(clone3));  // its flags lie in memory
  if (rules.stays_dumpable) {
    builder.add(fails_with(0), SCMP_SYS(prctl),
                {{0, SCMP_CMP_MASKED_EQ, kLow32, PR_SET_DUMPABLE}, {1, SCMP_CMP_EQ, 0, 0}});
  }
  builder.add(fails_with(EBUSY), SCMP_SYS(seccomp),
              {has_bits(1, SECCOMP_FILTER_FLAG_NEW_LISTENER)});
  return builder.finish();
}

Result<Filter> sandbox_filter(SandboxRules rules) {
  Builder builder;
  deny_common(builder);
  if (!rules.allow_suid) deny_suid(builder);
  if (!rules.allow_userns) {
    builder.add(fails_with(EPERM), SCMP_SYS(unshare), {has_bits(0, CLONE_NEWUSER)});
    builder.add(fails_with(EPERM), SCMP_SYS(clone), {has_bits(0, CLONE_NEWUSER)});
    builder.add(fails_with(ENOSYS), SCMP_SYS(clone3));  // its flags lie in memory
  }
  return builder.finish();
}

Status install_filter(const Filter& filter) {
  TRY(install(filter, 0));
  return {};
}

Result<Fd> install_listener(const Filter& filter, bool wait_killable) {
  const unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
                         (wait_killable ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0U);
  return Fd(TRY(install(filter, flags)));
}

Result<Fd> install_listener(const Filter& filter) {
  auto listener = install_listener(filter, true);
  if (!listener.ok()) listener = install_listener(filter, false);
  return listener;
}

}  // namespace os
