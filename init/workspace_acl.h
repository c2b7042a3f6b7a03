// The workspace by access lists, for filesystems that cannot be idmapped: entries for agentuser and
// agentcli while the session lasts, and everything as it was, with its owner, afterwards.
#pragma once

#include <sys/types.h>

#include <set>
#include <map>
#include <string>

#include "os/acl.h"
#include "os/fd.h"
#include "os/result.h"

namespace init {

/// What the tree was like before, as far as it cannot be seen afterwards.
struct AclRecord {
  struct Lists {
    os::Acl access;
    os::Acl initial;
  };
  std::set<os::FileId> kept;            // files that had a uid or gid of ours already
  std::map<os::FileId, Lists> extended;  // files that had a list already
};

/// Adds entries to everything below `directory`. What cannot take them, an immutable file, stays as
/// it is; the directory itself must: EOPNOTSUPP where the filesystem has no lists.
os::Result<AclRecord> open_to_both(const std::string& directory);

/// Takes the entries away and gives what the session made to `uid` and `gid`. Follows no link and
/// crosses no mount. Goes on after an error and returns the first.
os::Status close_to_both(const std::string& directory, uid_t uid, gid_t gid,
                         const AclRecord& before);

}  // namespace init
