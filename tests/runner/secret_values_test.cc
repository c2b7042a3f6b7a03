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

TEST_CASE("the keys in a JSON file are secrets as the file is") {
  const std::string file = R"({
    "OPENAI_API_KEY": null, "auth_mode_of_this_machine": "chatgpt",
    "tokens": {"id_token": "eyJhbGciOi.eyJlbWFpbCI6.c2lnbmF0dXJl",
               "access_token": "sk-proj-0123456789abcdef", "account": ["0a1b2c3d-4e5f-6071-8293-a4b5"]},
    "last_refresh": "2026-01-02T03:04:05.678901Z", "base": "https://api.example.com/v1/models",
    "proxy": "https://me:pass@proxy.example.com", "mail": "somebody@mail.example.com"})";
  SecretValues secrets;
  REQUIRE(secrets.add(file).ok());
  for (const char* secret : {"eyJhbGciOi.eyJlbWFpbCI6.c2lnbmF0dXJl", "sk-proj-0123456789abcdef",
                             "0a1b2c3d-4e5f-6071-8293-a4b5", "https://me:pass@proxy.example.com"}) {
    CAPTURE(secret);
    CHECK(secrets.found_in(std::string("--key=") + secret));
    CHECK(secrets.mask(std::string("a ") + secret + " b") == "a [secret] b");
  }
  for (const char* ordinary :
       {"auth_mode_of_this_machine", "chatgpt", "2026-01-02T03:04:05.678901Z",
        "https://api.example.com/v1/models", "somebody@mail.example.com", "OPENAI_API_KEY"}) {
    CAPTURE(ordinary);
    CHECK(!secrets.found_in(ordinary));
  }
  CHECK(secrets.mask(file) == "[secret]");
}

TEST_CASE("words end at white space and escapes, and none is masked in a part only") {
  SecretValues secrets;
  REQUIRE(secrets
              .add(R"({"a": "Bearer abcdefghijklmnopqrst", "b": "xx-abcdefghijklmnopqrst-xx",
                          "pem": "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nu\u003dABCDEFGHIJKLMNOPQR\n"})")
              .ok());
  CHECK(secrets.mask("abcdefghijklmnopqrst") == "[secret]");
  CHECK(secrets.mask("xx-abcdefghijklmnopqrst-xx") == "[secret]");
  CHECK(secrets.found_in("MIIEvQIBADANBgkqhkiG9w0"));
  CHECK(secrets.found_in("ABCDEFGHIJKLMNOPQR"));
  CHECK(!secrets.found_in("-----BEGIN KEY-----"));
}

TEST_CASE("whatever is no JSON gives no words, and much of it no more than 64") {
  for (const char* text : {"", "{", "[", "{\"", "{\"a\\", "{\"a\":\"\\", "{\"a\":\"b\\u",
                           "plain text", "\"abcdefghijklmnopqrstuvwxyz\""}) {
    CAPTURE(text);
    CHECK(runner::json_secrets(text).empty());
  }
  CHECK(runner::json_secrets(R"({"a":"abcdefghijklmnopqrst)").size() == 1);  // cut short
  std::string many = "[";
  for (int i = 0; i < 1000; ++i) many += "\"abcdefghijklmnopqrst" + std::to_string(i) + "\",";
  CHECK(runner::json_secrets(many).size() == 64);
}
