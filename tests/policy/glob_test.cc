#include "policy/glob.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>

using policy::Glob;

namespace {

struct Case {
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

constexpr Case kPathCases[] = {
    {"/usr/bin/git", "/usr/bin/git", true},
    {"/usr/bin/git", "/usr/bin/gitk", false},
    {"/usr/bin/git", "/usr/bin", false},
    {"/usr/*/git", "/usr/bin/git", true},
    {"/usr/*/git", "/usr/local/bin/git", false},
    {"/usr/bin/*", "/usr/bin/git", true},
    {"/usr/bin/*", "/usr/bin/a/git", false},
    {"/usr/bin/g?t", "/usr/bin/git", true},
    {"/usr/bin?git", "/usr/bin/git", false},
    {"/usr/**", "/usr/bin/git", true},
    {"/usr/**", "/usr", false},
    {"/usr/**", "/usrx/git", false},
    {"**/git", "/git", true},
    {"**/git", "/usr/local/bin/git", true},
    {"**/git", "/usr/bin/legit", false},
    {"**git", "/usr/bin/legit", true},
    {"/a/**/b", "/a/b", true},
    {"/a/**/b", "/a/x/b", true},
    {"/a/**/b", "/a/x/y/b", true},
    {"/a/**/b", "/a/xb", false},
    {"/a/**/b", "/ab", false},
    {"/a/**/b*/c", "/a/b/b/bb/c", true},
    {"**/*.sh", "/workspace/run.sh", true},
    {"**/*.sh", "/workspace/run.sh/x", false},
    {"**/node*/bin/*", "/opt/node-22/bin/npm", true},
    {"/w/\\*", "/w/*", true},
    {"/w/\\*", "/w/x", false},
    {"/w/[ab]", "/w/a", false},
    {"/w/[ab]", "/w/[ab]", true},
};

constexpr Case kTextCases[] = {
    {"", "", true},
    {"", "x", false},
    {"*", "", true},
    {"*", "a/b", true},
    {"--force*", "--force-with-lease", true},
    {"--force*", "--no-force", false},
    {"*_TOKEN", "GH_TOKEN", true},
    {"*_TOKEN", "GH_TOKENS", false},
    {"*SECRET*", "MY_SECRET_KEY", true},
    {"*SECRET*", "SECRET", true},
    {"*SECRET*", "SECRE", false},
    {"**SECRET**", "MY_SECRET", true},
    {"a*b*c", "a/b/c", true},
    {"a*b*c", "abcb", false},
    {"?", "/", true},
    {"??", "a", false},
    {"\\?", "?", true},
    {"\\?", "a", false},
    {"\\\\", "\\", true},
};

// Whether the rest of a pattern means one of the texts that a star leaves.
template <class Rest>
bool after_star(std::string_view text, bool past_slashes, Rest rest) {
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (rest(text.substr(i))) return true;
    if (i < text.size() && text[i] == '/' && !past_slashes) return false;
  }
  return false;
}

// The same for the two stars and their slash at the start of a segment: whole segments only.
template <class Rest>
bool after_segments(std::string_view text, Rest rest) {
  if (rest(text)) return true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/' && rest(text.substr(i + 1))) return true;
  }
  return false;
}

// What the patterns mean, written as plainly as possible. Exponential, so for short texts only.
bool means(std::string_view pattern, std::string_view text, Glob::Kind kind, bool after_slash) {
  const bool path = kind == Glob::Kind::path;
  if (pattern.empty()) return text.empty();
  if (path && after_slash && pattern.starts_with("**/")) {
    return after_segments(text, [pattern, kind](std::string_view rest) {
      return means(pattern.substr(3), rest, kind, true);
    });
  }
  if (pattern.front() == '*') {
    const bool twice = pattern.starts_with("**");
    return after_star(text, !path || twice, [pattern, kind, twice](std::string_view rest) {
      return means(pattern.substr(twice ? 2 : 1), rest, kind, false);
    });
  }
  if (text.empty()) return false;
  if (pattern.front() == '?') {
    return !(path && text.front() == '/') && means(pattern.substr(1), text.substr(1), kind, false);
  }
  return pattern.front() == text.front() &&
         means(pattern.substr(1), text.substr(1), kind, pattern.front() == '/');
}

}  // namespace

TEST_CASE("a path pattern's stars stop at a slash unless there are two") {
  for (const Case& example : kPathCases) {
    CAPTURE(example.pattern);
    CAPTURE(example.text);
    CHECK(Glob(example.pattern, Glob::Kind::path).matches(example.text) == example.matches);
  }
}

TEST_CASE("a text pattern's star matches anything") {
  for (const Case& example : kTextCases) {
    CAPTURE(example.pattern);
    CAPTURE(example.text);
    CHECK(Glob(example.pattern, Glob::Kind::text).matches(example.text) == example.matches);
  }
}

TEST_CASE("short patterns and texts match as the definition says") {
  std::mt19937 random(20240601);
  const auto pick = [&random](std::string_view letters, std::size_t most) {
    std::string out;
    const std::size_t size = random() % (most + 1);
    while (out.size() < size) out += letters[random() % letters.size()];
    return out;
  };
  for (int round = 0; round < 200'000; ++round) {
    const std::string pattern = pick("ab/**?", 7);
    const std::string text = pick("ab/", 8);
    const auto kind = round % 2 == 0 ? Glob::Kind::path : Glob::Kind::text;
    const bool expected = means(pattern, text, kind, false);
    REQUIRE(policy::any_matches({Glob(pattern, kind)}, text) == expected);
    if (Glob(pattern, kind).matches(text) == expected) continue;
    CAPTURE(pattern);
    CAPTURE(text);
    CAPTURE(round % 2);
    REQUIRE(Glob(pattern, kind).matches(text) == expected);
  }
}

TEST_CASE("a pattern with many stars does not take exponential time") {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  pattern += "b";
  const std::string text(4096, 'a');
  CHECK_FALSE(Glob(pattern, Glob::Kind::text).matches(text));
  CHECK_FALSE(Glob("/**/" + pattern, Glob::Kind::path).matches("/" + text));
}

TEST_CASE("a literal pattern matches its own text and nothing else") {
  const std::string text = "/a*b?c\\d";
  const std::string pattern = Glob::literally(text);
  CHECK(Glob(pattern, Glob::Kind::path).matches(text));
  CHECK_FALSE(Glob(pattern, Glob::Kind::path).matches("/axb?c\\d"));
  CHECK_FALSE(Glob(pattern, Glob::Kind::path).matches("/a*bxc\\d"));
}

TEST_CASE("a pattern remembers how it was written") {
  CHECK(Glob("**/g\\*t", Glob::Kind::path).pattern() == "**/g\\*t");
}

TEST_CASE("the name of an environment entry ends at its first equals sign") {
  CHECK(policy::env_name("A=b=c") == "A");
  CHECK(policy::env_name("=x") == "");
  CHECK(policy::env_name("lonely") == "lonely");
}
