#include "os/capabilities.h"

#include <cap-ng.h>
#include <sys/prctl.h>

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

bool has_capability(int capability) {
  return ::capng_get_caps_process() == 0 &&
         ::capng_have_capability(CAPNG_EFFECTIVE, static_cast<unsigned>(capability)) == 1;
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
