#include "os/acl.h"

#include <doctest/doctest.h>

#include <cerrno>

namespace {

using os::Acl;
using os::AclTag;

const std::vector<uid_t> kBoth = {1000, 1001};

Acl mode(mode_t bits) { return os::acl_of_mode(bits); }

}  // namespace

TEST_CASE("a mode is a list of three entries") {
  CHECK(mode(0754) ==
        Acl{{AclTag::owner, 7, 0}, {AclTag::owner_group, 5, 0}, {AclTag::other, 4, 0}});
  CHECK_FALSE(os::is_extended(mode(0777)));
}

TEST_CASE("granting adds the users in order, and a mask that holds nobody back") {
  CHECK(os::grant(mode(0640), kBoth, 6) == Acl{{AclTag::owner, 6, 0},
                                               {AclTag::user, 6, 1000},
                                               {AclTag::user, 6, 1001},
                                               {AclTag::owner_group, 4, 0},
                                               {AclTag::mask, 6, 0},
                                               {AclTag::other, 0, 0}});
}

TEST_CASE("granting twice is granting once") {
  const Acl once = os::grant(mode(0755), kBoth, 7);
  CHECK(os::grant(once, kBoth, 7) == once);
}

TEST_CASE("revoking gives the mode back that was there before") {
  for (const mode_t bits : {0600U, 0640U, 0644U, 0660U, 0664U, 0700U, 0750U, 0755U, 0777U}) {
    CAPTURE(bits);
    CHECK(os::revoke(os::grant(mode(bits), kBoth, 7), kBoth) == mode(bits));
  }
}

TEST_CASE("a chmod in between, which sets the mask, is what the group has afterwards") {
  Acl acl = os::grant(mode(0644), kBoth, 6);
  for (os::AclEntry& entry : acl) {  // chmod 755
    if (entry.tag == AclTag::owner) entry.bits = 7;
    if (entry.tag == AclTag::mask || entry.tag == AclTag::other) entry.bits = 5;
  }
  CHECK(os::revoke(acl, kBoth) == mode(0755));
}

TEST_CASE("somebody else's entries stay") {
  Acl acl = mode(0640);
  acl.insert(acl.begin() + 1, {AclTag::user, 4, 1234});
  acl.insert(acl.end() - 1, {AclTag::mask, 4, 0});
  const Acl left = os::revoke(os::grant(acl, kBoth, 6), kBoth);
  CHECK(os::is_extended(left));
  CHECK(left[1] == os::AclEntry{AclTag::user, 4, 1234});
}

TEST_CASE("a list is read as it was written") {
  const Acl acl = os::grant(mode(0751), {1000}, 7);
  const os::Result<Acl> read = os::decode_acl(os::encode_acl(acl));
  REQUIRE(read.ok());
  CHECK(read.value() == acl);
}

TEST_CASE("bytes that are no list are refused") {
  const std::string good = os::encode_acl(mode(0644));
  const auto code = [](const std::string& bytes) {
    const os::Result<Acl> read = os::decode_acl(bytes);
    return read.ok() ? 0 : read.error().code;
  };
  CHECK(code("") == EINVAL);
  CHECK(code(good.substr(0, 3)) == EINVAL);
  CHECK(code(good.substr(0, good.size() - 1)) == EINVAL);
  std::string version = good;
  version[0] = 1;
  CHECK(code(version) == EINVAL);
  std::string tag = good;
  tag[4] = 3;
  CHECK(code(tag) == EINVAL);
}
