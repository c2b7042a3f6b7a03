// What the audit client asks before a text leaves the process.
#pragma once

#include <string>
#include <string_view>

namespace audit {

/// Knows the values of this session's secrets. Called from many threads at once.
class Redactor {
 public:
  Redactor() = default;
  Redactor(const Redactor&) = default;
  Redactor& operator=(const Redactor&) = default;
  Redactor(Redactor&&) = default;
  Redactor& operator=(Redactor&&) = default;
  virtual ~Redactor() = default;

  /// True when `text` contains one of the values.
  virtual bool found_in(std::string_view text) const = 0;

  /// `text` with every value replaced by something that says nothing about it.
  virtual std::string mask(std::string text) const = 0;
};

}  // namespace audit
