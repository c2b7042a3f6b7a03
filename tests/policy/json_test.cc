#include "policy/json.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "policy/node.h"

using policy::Json;

namespace {

std::string error_of(std::string_view text) {
  const auto parsed = policy::parse_json(text, "f");
  return parsed.ok() ? "" : parsed.error().step;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("a document keeps its values, their order and their lines") {
  const auto parsed =
      policy::parse_json("{\n  \"b\": [true,\n 7\n, null],\n  \"a\": \"x\"\n}\n", "f");
  REQUIRE(parsed.ok());
  const Json& root = parsed.value();
  CHECK(root.kind == Json::Kind::object);
  REQUIRE(root.items.size() == 2);
  CHECK(root.items[0].key == "b");
  CHECK(root.items[0].line == 2);
  const std::vector<Json>& items = root.items[0].items;
  REQUIRE(items.size() == 3);
  CHECK(items[0].boolean);
  CHECK(items[0].line == 2);
  CHECK(items[1].integer == 7);
  CHECK(items[1].line == 3);
  CHECK(items[2].kind == Json::Kind::null);
  CHECK(items[2].line == 4);
  CHECK(root.find("a")->text == "x");
  CHECK(root.find("a")->line == 5);
  CHECK(root.find("c") == nullptr);
}

TEST_CASE("equal keys are refused with both lines and the path of the second") {
  CHECK(error_of("{\"a\": 1,\n\"a\": 2}") == "f:2: a: the key stands here twice, first on line 1");
  CHECK(error_of("{\"r\": [{}, {\"x\": {\"y\": 1,\n\n\"y\": 1}}]}") ==
        "f:3: r[1].x.y: the key stands here twice, first on line 1");
  CHECK(error_of("{\"a\": 1, \"\\u0061\": 2}") ==
        "f:1: a: the key stands here twice, first on line 1");
}

TEST_CASE("what is not JSON is refused with its line") {
  CHECK(error_of("{\"a\": 1,\n}") ==
        "f:2: not JSON: syntax error while parsing object key - unexpected '}'; expected string "
        "literal");
  CHECK(error_of("").starts_with("f:1: not JSON: "));
  CHECK(error_of("{} {}").starts_with("f:1: not JSON: "));
  CHECK(error_of("{\n// no comments\n}").starts_with("f:2: not JSON: "));
  CHECK(error_of("[\n\n1,\n2\n").starts_with("f:4: not JSON: "));
  CHECK(error_of("{'a': 1}").starts_with("f:1: not JSON: "));
  CHECK(error_of("[NaN]").starts_with("f:1: not JSON: "));
  CHECK(error_of("[\"\xff\"]").starts_with("f:1: not JSON: "));
}

TEST_CASE("text and keys hold no NUL") {
  CHECK(error_of("[\"a\\u0000b\"]") == "f:1: [0]: a NUL character in text");
  CHECK(error_of("{\"r\": [{\"a\\u0000b\": 1}]}") == "f:1: r[0]: a NUL character in a key");
}

TEST_CASE("size, depth, keys and numbers are bounded") {
  CHECK(error_of(nested(policy::kMaxJsonDepth)).empty());
  CHECK(error_of(nested(policy::kMaxJsonDepth + 1)).ends_with("nested deeper than 16 levels"));
  CHECK(error_of(nested(100'000)).ends_with("nested deeper than 16 levels"));

  const std::string spaces(policy::kMaxJsonBytes - 2, ' ');
  CHECK(error_of("[]" + spaces).empty());
  CHECK(error_of("[] " + spaces) == "f:1: longer than 262144 bytes");

  std::string keys = "{\"x\": 0";
  for (std::size_t i = 1; i <= policy::kMaxJsonKeys; ++i) {
    keys += ",\"" + std::to_string(i) + "\": 0";
  }
  CHECK(error_of(keys + "}") == "f:1: more than 1000 keys in one object");

  CHECK(error_of("[9223372036854775807, -9223372036854775808]").empty());
  CHECK(error_of("[9223372036854775808]") == "f:1: [0]: the number is too large");
}

TEST_CASE("a message shows hostile keys as printable text") {
  CHECK(error_of("{\"\\u001b[31m\": 1, \"\\u001b[31m\": 1}") ==
        "f:1: \\x1b[31m: the key stands here twice, first on line 1");
}

TEST_CASE("a node names what it expected and what it found") {
  const auto message = [](std::string_view text, auto read) {
    const auto parsed = policy::parse_json(text, "f");
    REQUIRE(parsed.ok());
    policy::Problems problems("f");
    read(policy::Node(parsed.value(), problems));
    return problems.first() ? problems.first()->step : std::string();
  };
  using policy::Node;
  CHECK(message("{\"a\": 1}", [](const Node& n) { (void)n["a"].text(); }) ==
        "f:1: a: expected text, found a whole number");
  CHECK(message("{\"a\": \"1\"}", [](const Node& n) { (void)n["a"].integer(0, 9, 0); }) ==
        "f:1: a: expected a whole number, found text");
  CHECK(message("{\"a\": 1.5}", [](const Node& n) { (void)n["a"].integer(0, 9, 0); }) ==
        "f:1: a: expected a whole number, found a fraction");
  CHECK(message("{\"a\": -1}", [](const Node& n) { (void)n["a"].integer(0, 9, 0); }) ==
        "f:1: a: -1 is not between 0 and 9");
  CHECK(message("{\"a\": {}}", [](const Node& n) { (void)n["a"].items(); }) ==
        "f:1: a: expected a list, found an object");
  CHECK(message("{\"a\": []}", [](const Node& n) { (void)n["a"].members(); }) ==
        "f:1: a: expected an object, found a list");
  CHECK(message("{\"a\": null}", [](const Node& n) { (void)n["a"].flag(false); }) ==
        "f:1: a: expected true or false, found null");
  CHECK(message("{}", [](const Node& n) { (void)n.require("a"); }) ==
        "f:1: a: this key is missing");
  CHECK(message("{\"b\": 1}", [](const Node& n) {
          n.only({"a", "c"});
        }) == "f:1: b: unknown key; known here: a, c");
  CHECK(message("[{}, 3]", [](const Node& n) { n.items()[1].only({}); }) ==
        "f:1: [1]: expected an object, found a whole number");
}

TEST_CASE("an absent value reads as the default and is no problem") {
  const auto parsed = policy::parse_json("{}", "f");
  REQUIRE(parsed.ok());
  policy::Problems problems("f");
  const policy::Node absent = policy::Node(parsed.value(), problems)["a"]["b"];
  CHECK_FALSE(absent.present());
  CHECK(absent.path() == "a.b");
  CHECK(absent.text("x") == "x");
  CHECK(absent.flag(true));
  CHECK(absent.integer(1, 2, 7) == 7);
  CHECK(absent.items().empty());
  CHECK(absent.members().empty());
  absent.only({});
  CHECK_FALSE(problems.first());
}
