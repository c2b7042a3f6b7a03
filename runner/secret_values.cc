#include "runner/secret_values.h"

#include <sodium.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace runner {
namespace {

constexpr std::size_t kShortest = 8;
constexpr std::size_t kShortestWord = 17;  // in a JSON text
constexpr std::size_t kMostWords = 64;
constexpr std::string_view kBlank = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_credential(std::string_view word) {
  if (word.size() < kShortestWord) return false;
  const std::size_t at = word.find('@');
  const std::size_t scheme = word.find("://");
  // An address with a name in it may have a password too.
  if (scheme != std::string_view::npos) return at != std::string_view::npos;
  const bool mail = at != std::string_view::npos && word.find('.', at) != std::string_view::npos;
  return !mail && word.find_first_not_of("0123456789-:.+TZ") != std::string_view::npos;
}

// The place of the quote that ends the string whose first byte is text[at].
std::size_t end_of_string(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? std::size_t{2} : 1;
  return std::min(at, text.size());
}

void add_words(std::string_view text, std::vector<std::string_view>& words) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\\ "), text.size());
    const std::string_view word = text.substr(0, end);
    if (is_credential(word) && words.size() < kMostWords) words.push_back(word);
    std::size_t skipped = end + 1;
    if (end + 1 < text.size() && text[end] == '\\') skipped = end + (text[end + 1] == 'u' ? 6 : 2);
    text.remove_prefix(std::min(skipped, text.size()));
  }
}

}  // namespace

SecretValues::~SecretValues() {
  for (const Value& value : values_) ::sodium_free(value.bytes);
}

std::vector<std::string_view> json_secrets(std::string_view json) {
  std::vector<std::string_view> words;
  json = trimmed(json);
  if (!json.starts_with('{') && !json.starts_with('[')) return words;
  for (std::size_t quote = 0; (quote = json.find('"', quote)) != std::string_view::npos;) {
    const std::size_t end = end_of_string(json, quote + 1);
    const std::size_t next = json.find_first_not_of(kBlank, std::min(end + 1, json.size()));
    const bool key = next != std::string_view::npos && json[next] == ':';
    if (!key) add_words(json.substr(quote + 1, end - quote - 1), words);
    quote = std::min(end + 1, json.size());
  }
  return words;
}

os::Status SecretValues::add(std::string_view value) {
  value = trimmed(value);
  if (value.size() < kShortest) return os::Error{EINVAL, "remember a secret shorter than 8 bytes"};
  TRY(keep(value));
  for (const std::string_view word : json_secrets(value)) TRY(keep(word));
  std::stable_sort(values_.begin(), values_.end(),
                   [](const Value& a, const Value& b) { return a.size > b.size; });
  return {};
}

os::Status SecretValues::keep(std::string_view value) {
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
