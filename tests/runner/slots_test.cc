#include "runner/slots.h"

#include <doctest/doctest.h>

#include <cerrno>

TEST_CASE("answering frees every used slot and counts only those that still waited") {
  const auto mapped = runner::map_slots();
  REQUIRE(mapped.ok());
  runner::Slots& slots = *mapped.value();
  slots.slot[3].notification.id = 7;
  // Nobody waits behind this descriptor, so nothing is counted as waiting.
  CHECK(runner::answer_all(slots, -1, EIO) == 0);
  CHECK(slots.slot[3].notification.id == 0);
}
