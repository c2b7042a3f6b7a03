// Patterns for paths, arguments and environment names, compiled once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace policy {

/// A compiled pattern. Special characters: `?` one character, `*` any number of them, `\` takes the
/// next character literally; `[` and `{` mean themselves. In a path, `?` and `*` stop at a slash
/// and
/// `**` does not: `/usr/**` is everything below /usr, `**/git` is git in any directory.
class Glob {
 public:
  enum class Kind { path, text };

  Glob(std::string_view pattern, Kind kind);

  /// True when the whole of `text` matches. Does not allocate; the time is bounded by the product
  /// of both lengths (for a path with both kinds of star: times the length of the path).
  bool matches(std::string_view text) const;

  /// False where `text` lacks a character that every match has: one test in place of a walk.
  /// `letters` is letters_of(text).
  bool may_match(std::uint64_t letters) const { return (letters_ & ~letters) == 0; }

  /// The set of characters in a text, 64 classes of them.
  static std::uint64_t letters_of(std::string_view text);

  /// A pattern that matches `text` and nothing else.
  static std::string literally(std::string_view text);

  /// As it was written.
  const std::string& pattern() const { return pattern_; }

 private:
  enum class Token : unsigned char { literal, one, within, across, segments, end };
  struct Step {
    Token token;
    char character;
  };
  enum class Shape { literal, prefix, suffix, infix, general };
  // A star that has matched up to `end`; `step` is the one after it, 0 where there is no star.
  struct Star {
    std::size_t step = 0;
    std::size_t end = 0;
  };

  std::size_t add_star(std::size_t at);
  void choose_shape();
  bool matches_steps(std::string_view text) const;
  bool fits(const Step& step, char c) const;
  bool take_more(Star& star, std::string_view text) const;

  std::string pattern_;
  std::string literal_;  // for every shape but `general`
  std::vector<Step> steps_;
  std::uint64_t letters_ = 0;  // of all literal characters
  Shape shape_ = Shape::general;
  bool slash_is_special_ = false;
};

/// True when one of `globs` matches.
bool any_matches(const std::vector<Glob>& globs, std::string_view text);

/// The part before `=` of an environment entry; the whole entry where there is none.
std::string_view env_name(std::string_view entry);

}  // namespace policy
