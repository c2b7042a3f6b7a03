#include "audit/json_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace {

using nlohmann::json;

std::string encoded(std::string_view text, std::size_t limit = std::string::npos) {
  std::string out;
  audit::append_json_string(out, text, limit);
  return out;
}

// What the text should read as: nlohmann's own writer replaces what is not UTF-8.
std::string expected(const std::string& text) {
  const std::string dumped = json(text).dump(-1, ' ', true, json::error_handler_t::replace);
  return json::parse(dumped).get<std::string>();
}

// Bytes in which quotes, controls, lead and continuation bytes are all frequent.
std::string random_bytes(std::mt19937& random) {
  static constexpr unsigned char kInteresting[] = {'"',  '\\', '\n', 0,    0x1b, 0x7f, 0x80,
                                                   0x9b, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xe2,
                                                   0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
  std::string text(random() % 40, '\0');
  for (char& c : text) {
    const unsigned kind = static_cast<unsigned>(random() % 3);
    const unsigned byte = kind == 0   ? 'a' + static_cast<unsigned>(random() % 26)
                          : kind == 1 ? kInteresting[random() % sizeof kInteresting]
                                      : static_cast<unsigned>(random() % 256);
    c = static_cast<char>(byte);
  }
  return text;
}

}  // namespace

TEST_CASE("any bytes become a JSON string that nlohmann reads back as the same text") {
  std::mt19937 random(20241124);
  for (int i = 0; i < 50000; ++i) {
    const std::string text = random_bytes(random);
    const json parsed = json::parse(encoded(text), nullptr, false);
    REQUIRE(parsed.is_string());
    REQUIRE(parsed.get<std::string>() == expected(text));
  }
}

TEST_CASE("no control character of a terminal is ever written raw") {
  for (unsigned code = 0; code < 0x100; ++code) {
    std::string text;
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else {
      text += static_cast<char>(0xC0 | code >> 6);
      text += static_cast<char>(0x80 | (code & 0x3F));
    }
    const std::string out = encoded(text);
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    CHECK((out == '"' + text + '"') == (!control && code != '"' && code != '\\'));
    CHECK(json::parse(out).get<std::string>() == text);
  }
}

TEST_CASE("a text that does not fit ends in an ellipsis, between two characters") {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random_bytes(random);
    const std::string whole = encoded(text);
    const std::size_t limit = 8 + random() % 60;
    std::string out = "before";
    const bool complete = audit::append_json_string(out, text, limit);
    out.erase(0, 6);
    REQUIRE(out.size() <= limit);
    REQUIRE(complete == (whole.size() <= limit));
    if (complete) {
      REQUIRE(out == whole);
      continue;
    }
    const std::string cut = json::parse(out).get<std::string>();
    REQUIRE(cut.ends_with("\xE2\x80\xA6"));
    const std::string kept = cut.substr(0, cut.size() - 3);
    REQUIRE(json::parse(whole).get<std::string>().starts_with(kept));
    // Nothing shorter than needed: at most one escape of six bytes is left out besides.
    REQUIRE(out.size() + 6 > limit);
  }
}

TEST_CASE("dotted keys in sorted order become nested objects") {
  std::string out;
  audit::ObjectWriter object(out);
  for (const char* key : {"a", "b-c.d", "b.c.d", "b.c.e", "b.f", "c.g"}) {
    object.key(key);
    out += '1';
  }
  object.finish();
  CHECK(out == R"({"a":1,"b-c":{"d":1},"b":{"c":{"d":1,"e":1},"f":1},"c":{"g":1}})");
}

TEST_CASE("an object without fields is empty") {
  std::string out;
  audit::ObjectWriter object(out);
  object.finish();
  CHECK(out == "{}");
}
