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
  /// (EINVAL): it would be found everywhere.
  os::Status add(std::string_view value);
  bool empty() const { return values_.empty(); }

  /// True when `text` contains one of the values.
  bool found_in(std::string_view text) const override;

  /// `text` with every value replaced by `[secret]`.
  std::string mask(std::string text) const override;

 private:
  struct Value {
    char* bytes;
    std::size_t size;
  };
  std::vector<Value> values_;
};

}  // namespace runner
