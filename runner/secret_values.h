// The values of this session's secrets, kept to find them in an environment or an argument list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "os/result.h"

namespace runner {

/// Holds values in guarded, locked memory (libsodium's sodium_malloc).
class SecretValues {
 public:
  SecretValues() = default;
  SecretValues(const SecretValues&) = delete;
  SecretValues& operator=(const SecretValues&) = delete;
  SecretValues(SecretValues&& other) noexcept : values_(std::move(other.values_)) {
    other.values_.clear();
  }
  SecretValues& operator=(SecretValues&&) = delete;
  ~SecretValues();

  /// Remembers a value and, for a file of several lines or JSON, nothing but the whole and its
  /// trimmed text. Values shorter than 8 bytes are refused (EINVAL): they would match anything.
  os::Status add(std::string_view value);
  bool empty() const { return values_.empty(); }

  /// True when `text` contains one of the values.
  bool found_in(std::string_view text) const;

  /// `text` with every value replaced by `[secret]`.
  std::string mask(std::string text) const;

 private:
  struct Value {
    char* bytes;
    std::size_t size;
  };
  std::vector<Value> values_;
};

}  // namespace runner
