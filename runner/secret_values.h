// The values of this session's secrets, kept to find them in an environment or an argument list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/redactor.h"
#include "os/result.h"

namespace runner {

/// Holds values in guarded, locked memory (libsodium's sodium_malloc).
class SecretValues final : public audit::Redactor {
 public:
  SecretValues() = default;
  SecretValues(const SecretValues&) = delete;
  SecretValues& operator=(const SecretValues&) = delete;
  SecretValues(SecretValues&& other) noexcept : values_(std::move(other.values_)) {
    other.values_.clear();
  }
  SecretValues& operator=(SecretValues&& other) noexcept {
    values_.swap(other.values_);
    return *this;
  }
  ~SecretValues() override;

  /// Remembers a value, white space around it left out. One shorter than 8 bytes is refused
  /// (EINVAL): it would be found everywhere. Of a JSON file the strings in it are remembered too,
  /// as json_secrets() finds them.
  os::Status add(std::string_view value);
  bool empty() const { return values_.empty(); }

  /// True when `text` contains one of the values.
  bool found_in(std::string_view text) const override;

  /// `text` with every value replaced by `[secret]`.
  std::string mask(std::string text) const override;

 private:
  os::Status keep(std::string_view value);

  struct Value {
    char* bytes;
    std::size_t size;
  };
  std::vector<Value> values_;  // the longest first: none is masked in a part only
};

/// The words in a JSON text that could be credentials: in values, not in keys, longer than 16
/// bytes, and no address or date; the first 64. White space and escapes end a word: so no copy of
/// one is made, and of a key in PEM form each line is one. Empty for what is no object or list.
std::vector<std::string_view> json_secrets(std::string_view json);

}  // namespace runner
