#include "init/services.h"

#include <doctest/doctest.h>

#include <chrono>

using init::RestartLimit;
using std::chrono::milliseconds;

TEST_CASE("a service that lived for a while is started again at once") {
  RestartLimit limit;
  for (int i = 0; i < 1000; ++i) {
    CHECK(limit.after_death(milliseconds(60), false) == milliseconds(0));
  }
  CHECK(limit.restarts() == 1000);
}

TEST_CASE("one that keeps dying young is given more and more time, and then up") {
  RestartLimit limit;
  for (int i = 0; i < 5; ++i) CHECK(limit.after_death(milliseconds(1), false) == milliseconds(0));
  milliseconds last(0);
  for (int i = 5; i < 20; ++i) {
    const auto delay = limit.after_death(milliseconds(1), false);
    REQUIRE(delay.has_value());
    CHECK(*delay >= last);
    CHECK(*delay <= milliseconds(160));  // new commands work again within 200 ms
    last = *delay;
  }
  CHECK(last == milliseconds(160));
  CHECK_FALSE(limit.after_death(milliseconds(1), false).has_value());
}

TEST_CASE("a longer life is a new beginning") {
  RestartLimit limit;
  for (int i = 0; i < 19; ++i) REQUIRE(limit.after_death(milliseconds(1), false).has_value());
  CHECK(limit.after_death(milliseconds(50), false) == milliseconds(0));
  CHECK(limit.after_death(milliseconds(1), false) == milliseconds(0));
}

TEST_CASE("being killed is forgiven for long, with a short delay") {
  RestartLimit limit;
  for (int i = 0; i < 1000; ++i) {
    const auto delay = limit.after_death(milliseconds(1), true);
    REQUIRE(delay.has_value());
    CHECK(*delay <= milliseconds(10));
  }
  CHECK_FALSE(limit.after_death(milliseconds(1), true).has_value());
}
