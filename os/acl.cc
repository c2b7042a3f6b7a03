#include "os/acl.h"

#include <endian.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "os/fd.h"
#include "os/text.h"

namespace os {
namespace {

constexpr std::size_t kLargest = 64U << 10;  // XATTR_SIZE_MAX
constexpr std::uint16_t kWrite = 2;

const char* attribute(AclKind kind) {
  return kind == AclKind::access ? "system.posix_acl_access" : "system.posix_acl_default";
}

bool names_somebody(const AclEntry& entry) {
  return entry.tag == AclTag::user || entry.tag == AclTag::group;
}

bool in_group_class(const AclEntry& entry) {
  return names_somebody(entry) || entry.tag == AclTag::owner_group;
}

AclEntry* find(Acl& acl, AclTag tag) {
  const auto found =
      std::find_if(acl.begin(), acl.end(), [&](const AclEntry& entry) { return entry.tag == tag; });
  return found == acl.end() ? nullptr : &*found;
}

void remove_user(Acl& acl, uid_t user) {
  std::erase_if(
      acl, [&](const AclEntry& entry) { return entry.tag == AclTag::user && entry.id == user; });
}

// The kernel wants tags in ascending order, and ids within a tag.
void sort(Acl& acl) {
  std::stable_sort(acl.begin(), acl.end(), [](const AclEntry& a, const AclEntry& b) {
    return a.tag != b.tag ? a.tag < b.tag : a.id < b.id;
  });
}

bool known(std::uint16_t tag) {
  constexpr std::array kTags = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20};
  return std::find(kTags.begin(), kTags.end(), tag) != kTags.end();
}

}  // namespace

Result<Acl> read_acl(int file, AclKind kind) {
  std::string bytes(kLargest, '\0');
  const ssize_t size = ::fgetxattr(file, attribute(kind), bytes.data(), bytes.size());
  if (size < 0 && errno == ENODATA) return Acl{};
  if (size < 0) return last_error(join("read ", attribute(kind)));
  return decode_acl(std::string_view(bytes).substr(0, static_cast<std::size_t>(size)));
}

Status write_acl(int file, AclKind kind, const Acl& acl) {
  const char* name = attribute(kind);
  if (acl.empty() && kind == AclKind::initial) {
    if (::fremovexattr(file, name) == 0 || errno == ENODATA) return {};
    return last_error(join("remove ", name));
  }
  const std::string bytes = encode_acl(acl);
  if (::fsetxattr(file, name, bytes.data(), bytes.size(), 0) == 0) return {};
  return last_error(join("set ", name));
}

Acl acl_of_mode(mode_t mode) {
  const auto bits = [&](unsigned shift) { return static_cast<std::uint16_t>(mode >> shift & 7U); };
  return {
      {AclTag::owner, bits(6), 0}, {AclTag::owner_group, bits(3), 0}, {AclTag::other, bits(0), 0}};
}

bool is_extended(const Acl& acl) { return std::any_of(acl.begin(), acl.end(), names_somebody); }

Acl grant(Acl acl, const std::vector<uid_t>& users, std::uint16_t bits) {
  for (const uid_t user : users) {
    remove_user(acl, user);
    acl.push_back({AclTag::user, bits, user});
  }
  std::uint16_t all = 0;
  for (const AclEntry& entry : acl) {
    if (in_group_class(entry)) all |= entry.bits;
  }
  if (AclEntry* mask = find(acl, AclTag::mask)) {
    mask->bits = all;
  } else {
    acl.push_back({AclTag::mask, all, 0});
  }
  sort(acl);
  return acl;
}

Acl revoke(const Acl& acl, const std::vector<uid_t>& users) {
  Acl left = acl;
  for (const uid_t user : users) remove_user(left, user);
  AclEntry* mask = find(left, AclTag::mask);
  AclEntry* group = find(left, AclTag::owner_group);
  if (is_extended(left) || mask == nullptr || group == nullptr) return left;
  group->bits = (mask->bits & kWrite) != 0 ? group->bits & mask->bits : mask->bits;
  std::erase_if(left, [](const AclEntry& entry) { return entry.tag == AclTag::mask; });
  return left;
}

std::string encode_acl(const Acl& acl) {
  const posix_acl_xattr_header header = {htole32(POSIX_ACL_XATTR_VERSION)};
  std::string bytes(sizeof(header), '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  for (const AclEntry& entry : acl) {
    posix_acl_xattr_entry raw{};
    raw.e_tag = htole16(static_cast<std::uint16_t>(entry.tag));
    raw.e_perm = htole16(entry.bits);
    raw.e_id = htole32(names_somebody(entry) ? entry.id : static_cast<std::uint32_t>(-1));
    std::array<char, sizeof(raw)> text{};
    std::memcpy(text.data(), &raw, sizeof(raw));
    bytes.append(text.data(), text.size());
  }
  return bytes;
}

Result<Acl> decode_acl(std::string_view bytes) {
  posix_acl_xattr_header header{};
  const Error malformed{EINVAL, "read an access control list"};
  if (bytes.size() < sizeof(header)) return malformed;
  std::memcpy(&header, bytes.data(), sizeof(header));
  bytes.remove_prefix(sizeof(header));
  if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION) return malformed;
  Acl acl;
  while (!bytes.empty()) {
    posix_acl_xattr_entry raw{};
    if (bytes.size() < sizeof(raw)) return malformed;
    std::memcpy(&raw, bytes.data(), sizeof(raw));
    bytes.remove_prefix(sizeof(raw));
    AclEntry entry;
    const std::uint16_t tag = le16toh(raw.e_tag);
    if (!known(tag)) return malformed;
    entry.tag = static_cast<AclTag>(tag);
    entry.bits = le16toh(raw.e_perm);
    if (names_somebody(entry)) entry.id = le32toh(raw.e_id);
    acl.push_back(entry);
  }
  return acl;
}

}  // namespace os
