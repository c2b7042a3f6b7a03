#include "policy/glob.h"

#include <algorithm>
#include <functional>

namespace policy {

Glob::Glob(std::string_view pattern, Kind kind)
    : pattern_(pattern), slash_is_special_(kind == Kind::path) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      i = add_star(i);
    } else if (pattern[i] == '?') {
      steps_.push_back({Token::one, '?'});
    } else {
      if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
      steps_.push_back({Token::literal, pattern[i]});
      letters_ |= letters_of(pattern.substr(i, 1));
    }
  }
  choose_shape();
}

// Adds the step for the star at `at`; returns where the last character it stands for is.
std::size_t Glob::add_star(std::size_t at) {
  const std::string_view here = std::string_view(pattern_).substr(at);
  const bool after_slash = at > 0 && pattern_[at - 1] == '/';
  if (!here.starts_with("**")) {
    steps_.push_back({slash_is_special_ ? Token::within : Token::across, '*'});
    return at;
  }
  if (slash_is_special_ && after_slash && here.starts_with("**/")) {
    steps_.push_back({Token::segments, '*'});
    return at + 2;
  }
  steps_.push_back({Token::across, '*'});
  return at + 1;
}

std::uint64_t Glob::letters_of(std::string_view text) {
  std::uint64_t letters = 0;
  for (const char c : text) letters |= std::uint64_t{1} << (static_cast<unsigned char>(c) & 63);
  return letters;
}

// Most patterns are plain text with a star that matches anything at one end or at both: these need
// no walk.
void Glob::choose_shape() {
  const auto is_literal = [](const Step& step) { return step.token == Token::literal; };
  const auto others = std::count_if(steps_.begin(), steps_.end(), std::not_fn(is_literal));
  const bool open_start = !steps_.empty() && steps_.front().token == Token::across;
  const bool open_end = !steps_.empty() && steps_.back().token == Token::across;
  if (others == 0) {
    shape_ = Shape::literal;
  } else if (others == 1 && open_end) {
    shape_ = Shape::prefix;
  } else if (others == 1 && open_start) {
    shape_ = Shape::suffix;
  } else if (others == 2 && open_start && open_end) {
    shape_ = Shape::infix;
  } else {
    return;
  }
  for (const Step& step : steps_) {
    if (is_literal(step)) literal_ += step.character;
  }
}

bool Glob::matches(std::string_view text) const {
  switch (shape_) {
    case Shape::literal:
      return text == literal_;
    case Shape::prefix:
      return text.starts_with(literal_);
    case Shape::suffix:
      return text.ends_with(literal_);
    case Shape::infix:
      return text.find(literal_) != std::string_view::npos;
    case Shape::general:
      return matches_steps(text);
  }
  return false;
}

// A star first matches nothing; when the rest fails, the last star takes more. Only the last star
// of each kind has to be remembered: an earlier one could give a later one nothing that it cannot
// take itself. A star that may not cross a slash gives up there, and then the last one that may is
// tried again.
bool Glob::matches_steps(std::string_view text) const {
  Star within;
  Star across;
  std::size_t s = 0;
  std::size_t t = 0;
  while (t < text.size() || s < steps_.size()) {
    const Token token = s < steps_.size() ? steps_[s].token : Token::end;
    if (token == Token::across || token == Token::segments) {
      across = {++s, t};
      within = {};
    } else if (token == Token::within) {
      within = {++s, t};
    } else if (token != Token::end && t < text.size() && fits(steps_[s], text[t])) {
      ++s;
      ++t;
    } else if (within.step != 0 && within.end < text.size() && text[within.end] != '/') {
      s = within.step;
      t = ++within.end;
    } else if (across.step != 0 && take_more(across, text)) {
      within = {};
      s = across.step;
      t = across.end;
    } else {
      return false;
    }
  }
  return true;
}

bool Glob::take_more(Star& star, std::string_view text) const {
  if (steps_[star.step - 1].token == Token::segments) {
    const std::size_t slash = text.find('/', star.end);
    if (slash == std::string_view::npos) return false;
    star.end = slash;
  }
  return star.end++ < text.size();
}

bool Glob::fits(const Step& step, char c) const {
  if (step.token == Token::literal) return step.character == c;
  return !slash_is_special_ || c != '/';
}

std::string Glob::literally(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

bool any_matches(const std::vector<Glob>& globs, std::string_view text) {
  const std::uint64_t letters = Glob::letters_of(text);
  return std::any_of(globs.begin(), globs.end(), [text, letters](const Glob& glob) {
    return glob.may_match(letters) && glob.matches(text);
  });
}

std::string_view env_name(std::string_view entry) { return entry.substr(0, entry.find('=')); }

}  // namespace policy
