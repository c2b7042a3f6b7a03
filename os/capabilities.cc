#include "os/capabilities.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "os/creds.h"
#include "os/fd.h"
#include "os/text.h"

namespace os {
namespace {

Status empty_ambient_set() {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return last_error("empty the ambient capability set");
  }
  return {};
}

// libcap-ng gives no errno of its own: what failed is the kernel's call behind it.
Status apply(capng_select_t which, const char* step) {
  if (::capng_apply(which) != 0) return Error{errno != 0 ? errno : EPERM, step};
  return {};
}

}  // namespace

Status limit_capabilities(std::span<const int> kept) {
  TRY(empty_ambient_set());
  ::capng_clear(CAPNG_SELECT_BOTH);
  for (const int capability : kept) {
    const auto sets =
        static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET);
    if (::capng_update(CAPNG_ADD, sets, static_cast<unsigned>(capability)) != 0) {
      return Error{EINVAL, join("keep capability ", capability)};
    }
  }
  TRY(apply(CAPNG_SELECT_BOUNDS, "limit the capability bounding set"));
  return apply(CAPNG_SELECT_CAPS, "limit capabilities");
}

// Not by libcap-ng: it would remember this process, and apply a child's sets to it.
bool has_capabilities(std::span<const int> wanted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  return std::all_of(wanted.begin(), wanted.end(), [&](int capability) {
    const auto number = static_cast<unsigned>(capability);
    return (sets[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number)) != 0;
  });
}

Status become_powerless(uid_t uid, gid_t gid) {
  TRY(empty_ambient_set());
  ::capng_clear(CAPNG_SELECT_BOTH);
  TRY(apply(CAPNG_SELECT_BOUNDS, "empty the capability bounding set"));
  TRY(become(uid, gid));
  TRY(apply(CAPNG_SELECT_CAPS, "give up all capabilities"));
  TRY(no_new_privs());
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    // -1: a capability this kernel does not know.
    if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1) {
      return Error{EPERM, join("empty the capability bounding set: capability ", capability)};
    }
  }
  return {};
}

}  // namespace os
