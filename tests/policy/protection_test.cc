#include "policy/protection.h"

#include <doctest/doctest.h>

using policy::Level;
using policy::Levels;
using policy::Protection;
using policy::Require;

TEST_CASE("every protection has a name of its own and is found by it") {
  for (std::size_t i = 0; i < policy::kProtections; ++i) {
    const auto protection = static_cast<Protection>(i);
    CHECK_FALSE(policy::name(protection).empty());
    CHECK(policy::protection_named(policy::name(protection)) == protection);
  }
  CHECK(policy::name(Protection::memfd_noexec) == "memfd-noexec");
  CHECK_FALSE(policy::protection_named("memfd_noexec"));
}

TEST_CASE("less than required is a shortfall, equal and more are not") {
  const auto index = [](Protection protection) { return static_cast<std::size_t>(protection); };
  Require require;
  Levels found{};
  CHECK(policy::shortfalls(require, found).empty());

  require.least[index(Protection::landlock)] = Level::full;
  require.least[index(Protection::bpf)] = Level::partial;
  require.least[index(Protection::apparmor)] = Level::full;
  found[index(Protection::landlock)] = Level::partial;
  found[index(Protection::bpf)] = Level::full;
  const auto missing = policy::shortfalls(require, found);
  REQUIRE(missing.size() == 2);
  CHECK(missing[0].protection == Protection::landlock);
  CHECK(missing[0].required == Level::full);
  CHECK(missing[0].found == Level::partial);
  CHECK(missing[1].protection == Protection::apparmor);
  CHECK(missing[1].found == Level::none);
}
