// The workspace by access lists, for filesystems that cannot be idmapped: entries for agentuser and
// agentcli while the session lasts, and everything as it was, with its owner, afterwards.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <set>
#include <string>

#include "os/acl.h"
#include "os/paths.h"
#include "os/result.h"

namespace init {

/// What the tree was like before, as far as it cannot be seen afterwards.
struct AclRecord {
  struct Lists {
    os::Acl access;
    os::Acl initial;
  };
  // Others' files whose uid or gid is one of ours. Not what a killed session made and left.
  std::set<os::FileBirth> kept;
  std::map<os::FileBirth, Lists> extended;  // files that had a list already
};

/// Adds entries to everything below `directory`, which belongs to `uid` and `gid`. What cannot take
/// them, an immutable file, stays as it is; the directory itself must: EOPNOTSUPP where the
/// filesystem has no lists.
os::Result<AclRecord> open_to_both(const std::string& directory, uid_t uid, gid_t gid);

/// Takes the entries away and gives what the session made to `uid` and `gid`. Follows no link and
/// crosses no mount. Goes on after an error and returns the first. Calls `visited`, if there is
/// one, for each entry.
os::Status close_to_both(const std::string& directory, uid_t uid, gid_t gid,
                         const AclRecord& before, const std::function<void()>& visited);

}  // namespace init
