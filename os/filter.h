// The seccomp filters: what the vendor CLI and what commands may ask of the kernel. seccomp(2).
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// The sixth argument of an exec that our tracer repeats: the filter hands it to the tracer and
/// not to the listener. Without a tracer such an exec is ENOSYS, so it need not be secret.
inline constexpr std::uint64_t kCookie = 0x4147583141475831;

/// A classic BPF program, ready for the kernel.
struct Filter {
  std::vector<sock_filter> program;
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
  }
};

/// Whom the filter of the CLI gives its execs to. Where nobody is, an exec is ENOSYS.
enum class Trap {
  none,    // they are not trapped
  notify,  // a listener, and the tracer that repeats one with kCookie
  trace,   // a tracer
};

struct CliRules {
  Trap trap = Trap::notify;
  bool stays_dumpable = false;  // PR_SET_DUMPABLE to 0 is told to have worked, and is not made
};

struct SandboxRules {
  bool allow_suid = false;    // calls that set a setuid or setgid bit
  bool allow_userns = false;  // new user namespaces
};

/// The filter of the vendor CLI: every exec is trapped, and nothing that would get
/// around it, make namespaces or mounts, or look into other processes is allowed.
Result<Filter> cli_filter(CliRules rules = {});

/// The filter of commands. Both kill what calls by a foreign ABI (int 0x80, x32).
Result<Filter> sandbox_filter(SandboxRules rules);

/// Installs a filter on this thread, for good. Needs no_new_privs or CAP_SYS_ADMIN.
Status install_filter(const Filter& filter);

/// The same for a filter that notifies; gives the listener, close-on-exec. With `wait_killable`
/// a notification that was received is no longer ended by a signal other than SIGKILL (Linux 5.19;
/// EINVAL before). EBUSY: a filter with a listener is installed already.
Result<Fd> install_listener(const Filter& filter, bool wait_killable);
/// With `wait_killable` where the kernel has it.
Result<Fd> install_listener(const Filter& filter);

}  // namespace os
