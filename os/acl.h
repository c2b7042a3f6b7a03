// POSIX access control lists, acl(5), as the extended attributes system.posix_acl_* hold them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/result.h"

namespace os {

enum class AclTag : std::uint16_t {
  owner = 0x01,
  user = 0x02,
  owner_group = 0x04,
  group = 0x08,
  mask = 0x10,
  other = 0x20,
};

struct AclEntry {
  AclTag tag = AclTag::other;
  std::uint16_t bits = 0;  // r 4, w 2, x 1
  std::uint32_t id = 0;    // for user and group
  bool operator==(const AclEntry&) const = default;
};
using Acl = std::vector<AclEntry>;

enum class AclKind { access, initial };  // initial: what new files in a directory begin with

/// The list of an open file (not O_PATH). Empty: it has none beyond its mode.
/// EOPNOTSUPP: the filesystem has no such lists.
Result<Acl> read_acl(int file, AclKind kind);

/// Sets the list; one of owner, owner_group and other alone becomes the mode. An empty list takes
/// the initial one away; the access list cannot be empty (EINVAL).
Status write_acl(int file, AclKind kind, const Acl& acl);

// Pure parts.

/// The list that says the same as `mode`.
Acl acl_of_mode(mode_t mode);
bool is_extended(const Acl& acl);

/// `acl` with `bits` for each of `users`, and a mask that lets everybody named have what he has.
Acl grant(Acl acl, const std::vector<uid_t>& users, std::uint16_t bits);

/// `acl` without entries of `users`. When nobody else is named the list shrinks to a mode: the
/// group gets what it had unless a later chmod(2), which sets the mask, has taken the group's `w`.
Acl revoke(const Acl& acl, const std::vector<uid_t>& users);

std::string encode_acl(const Acl& acl);
/// EINVAL: not version 2, cut short or an unknown tag.
Result<Acl> decode_acl(std::string_view bytes);

}  // namespace os
