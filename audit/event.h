// One audit event: an action and its ECS fields, bounded, written out as the `data` of a record.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/redactor.h"

namespace audit {

/// A value longer than this is not recorded by its text but as `[N bytes]`, so that no part of a
/// secret can survive a cut through its middle.
inline constexpr std::size_t kMaxValue = std::size_t{16} * 1024;
/// Encoded bytes of a text, of an element of a list, and of a whole list; a cut text ends in `…`.
inline constexpr std::size_t kMaxText = 4096;
inline constexpr std::size_t kMaxElement = 1024;
inline constexpr std::size_t kMaxList = std::size_t{6} * 1024;
/// Elements of one list that are looked at.
inline constexpr std::size_t kMaxElements = 64;
/// The bytes of `data`. Where anything was cut or left out, it has `"truncated":true`.
inline constexpr std::size_t kMaxData = std::size_t{15} * 1024;

/// Values are copied, so temporaries may be given. Keys are dotted ECS names (`process.pid`) and
/// become nested objects; a key is set once, and none is a prefix of another. The common actions
/// have functions in audit/actions.h that give their events complete.
class Event {
 public:
  /// `action` is one of audit/actions.h; it decides event.kind, category, type and outcome.
  explicit Event(std::string_view action);

  Event& set(std::string_view key, std::string_view value);
  Event& set(std::string_view key, const char* value) { return set(key, std::string_view(value)); }
  template <std::integral T>
  Event& set(std::string_view key, T value) {
    if constexpr (std::same_as<T, bool>) return add_plain(key, value ? "true" : "false");
    return add_plain(key, std::to_string(value));
  }
  /// A list; the elements after kMaxElements are left out.
  Event& set(std::string_view key, std::span<const std::string> values);

  const std::string& action() const { return action_; }

  /// Nanoseconds since 1970 (CLOCK_REALTIME) at construction: when it happened, not when written.
  std::int64_t time_ns() const { return time_ns_; }

  /// The `data` object as JSON in one line of UTF-8, at most kMaxData bytes. Values are masked
  /// first, where a redactor is given. Bytes that are not UTF-8 become U+FFFD.
  std::string data_json(const Redactor* redactor = nullptr) const;

 private:
  enum class Kind : std::uint8_t { text, plain, list, element };
  struct Field {
    Kind kind;
    std::uint32_t key;  // offsets and sizes within bytes_
    std::uint32_t key_size;
    std::uint32_t value;
    std::uint32_t value_size;  // of a list: how many elements follow
  };
  class Writer;
  Event& add_plain(std::string_view key, std::string_view text);
  void add(Kind kind, std::string_view key, std::string_view value);
  std::string_view key_of(const Field& field) const;
  std::string_view value_of(const Field& field) const;

  std::string action_;
  std::int64_t time_ns_;
  std::string bytes_;  // keys and values, each ended by a NUL: none joins with its neighbour
  std::vector<Field> fields_;
  bool truncated_ = false;
};

}  // namespace audit
