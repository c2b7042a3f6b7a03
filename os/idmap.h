// Which user appears as which on an idmapped mount, and the user namespace that says so.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// `count` ids from `disk` on, as stored, appear as the ids from `seen` on.
struct IdRange {
  std::uint32_t disk = 0;
  std::uint32_t seen = 0;
  std::uint32_t count = 0;
  bool operator==(const IdRange&) const = default;
};

/// One id that appears as another.
struct IdMove {
  std::uint32_t disk = 0;
  std::uint32_t seen = 0;
};

/// The highest id there is. Ids that would have to appear as 0, which takes CAP_SETFCAP, appear as
/// this one instead: an id that is mapped to nothing makes its files unwritable for everybody.
inline constexpr std::uint32_t kParkedId = 4294967294U;

/// How the tree of `owner` looks for agentuser (`task`): the owner's files are `task`'s own.
std::vector<IdMove> task_view(std::uint32_t owner, std::uint32_t task);

/// How it looks for agentcli: as for agentuser, with `task` and `cli` exchanged.
std::vector<IdMove> cli_view(std::uint32_t owner, std::uint32_t task, std::uint32_t cli);

/// Completes moves to a map of all ids: what is not named appears as itself, disk id 0 as
/// kParkedId. The moves must form a permutation but for 0 and kParkedId.
std::vector<IdRange> complete_map(const std::vector<IdMove>& moves);

/// The lines of /proc/PID/uid_map, user_namespaces(7).
std::string map_text(const std::vector<IdRange>& ranges);

/// A user namespace with these maps, for map_ids(). No process lives in it. Needs CAP_SYS_ADMIN,
/// CAP_SETUID, CAP_SETGID and, at /proc, the caller's own pid namespace. ENOSPC or EPERM: the
/// machine does not let user namespaces be made.
Result<Fd> make_id_namespace(const std::vector<IdRange>& uids, const std::vector<IdRange>& gids);

}  // namespace os
