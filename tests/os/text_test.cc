#include "os/text.h"

#include <doctest/doctest.h>

TEST_CASE("join puts strings, characters and numbers into one string") {
  CHECK(os::join("a", 'b', 7, std::string("c"), -1L) == "ab7c-1");
  CHECK(os::join().empty());
}

TEST_CASE("an errno has its name, an unknown one its number") {
  CHECK(os::errno_name(EPERM) == "EPERM");
  CHECK(os::errno_name(99999) == "99999");
}

TEST_CASE("printable text has no control bytes, no foreign bytes and a bound") {
  CHECK(os::printable("plain text") == "plain text");
  CHECK(os::printable("a\nb\x1b[0m") == "a\\x0ab\\x1b[0m");
  CHECK(os::printable("\xc3\xa4") == "\\xc3\\xa4");
  const std::string cut = os::printable(std::string(500, 'x'), 10);
  CHECK(cut.size() <= 13);
  CHECK(cut.ends_with("..."));
}

TEST_CASE("split keeps empty parts and gives none for an empty text") {
  CHECK(os::split("a::b", ':') == std::vector<std::string>{"a", "", "b"});
  CHECK(os::split("", ':').empty());
}
