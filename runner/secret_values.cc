#include "runner/secret_values.h"

#include <sodium.h>

#include <cerrno>
#include <cstring>

namespace runner {
namespace {

constexpr std::size_t kShortest = 8;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

SecretValues::~SecretValues() {
  for (const Value& value : values_) ::sodium_free(value.bytes);
}

os::Status SecretValues::add(std::string_view value) {
  value = trimmed(value);
  if (value.size() < kShortest) return os::Error{EINVAL, "remember a secret shorter than 8 bytes"};
  if (::sodium_init() < 0) return os::Error{EIO, "start libsodium"};
  auto* bytes = static_cast<char*>(::sodium_malloc(value.size()));
  if (bytes == nullptr) return os::Error{ENOMEM, "remember a secret"};
  std::memcpy(bytes, value.data(), value.size());
  ::sodium_mprotect_readonly(bytes);
  values_.push_back({bytes, value.size()});
  return {};
}

bool SecretValues::found_in(std::string_view text) const {
  for (const Value& value : values_) {
    if (text.find(std::string_view(value.bytes, value.size)) != std::string_view::npos) return true;
  }
  return false;
}

std::string SecretValues::mask(std::string text) const {
  for (const Value& value : values_) {
    const std::string_view secret(value.bytes, value.size);
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) {
      text.replace(at, secret.size(), "[secret]");
    }
  }
  return text;
}

}  // namespace runner
