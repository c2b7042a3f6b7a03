#include "runner/secret_values.h"

#include <doctest/doctest.h>

#include <cerrno>

using runner::SecretValues;

TEST_CASE("a secret is found anywhere in a text and masked everywhere") {
  SecretValues secrets;
  REQUIRE(secrets.add("sk-0123456789\n").ok());
  CHECK(secrets.found_in("Authorization: Bearer sk-0123456789"));
  CHECK(!secrets.found_in("sk-012345678"));
  CHECK(secrets.mask("a sk-0123456789 b sk-0123456789") == "a [secret] b [secret]");
}

TEST_CASE("a value too short to be told from ordinary text is refused") {
  SecretValues secrets;
  const auto added = secrets.add("  short \n");
  REQUIRE(!added.ok());
  CHECK(added.error().code == EINVAL);
  CHECK(secrets.empty());
}

TEST_CASE("values move with their owner") {
  SecretValues first;
  REQUIRE(first.add("a-long-enough-value").ok());
  const SecretValues second = std::move(first);
  CHECK(second.found_in("x a-long-enough-value"));
}
