// A place in a JSON document, read with checks. Reading goes on after a problem: the first counts.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/result.h"
#include "policy/json.h"

namespace policy {

/// What is wrong with one document: the first problem is kept.
class Problems {
 public:
  explicit Problems(std::string source) : source_(std::move(source)) {}

  void add(unsigned line, const std::string& path, std::string_view message) {
    if (!first_) first_ = json_error(source_, line, path, message);
  }
  const std::optional<os::Error>& first() const { return first_; }

 private:
  std::string source_;
  std::optional<os::Error> first_;
};

/// A value that may be absent, and its path. Reading an absent value gives the default; reading one
/// of another type adds a problem and gives the default. The document and the problems outlive it.
class Node {
 public:
  Node(const Json& document, Problems& problems) : json_(&document), problems_(&problems) {}

  bool present() const { return json_ != nullptr; }
  bool is_text() const { return is(Json::Kind::text); }
  bool is_empty_list() const { return is(Json::Kind::list) && json_->items.empty(); }
  const std::string& path() const { return path_; }

  /// An object with no other keys than these; each other one is a problem.
  void only(std::initializer_list<std::string_view> keys) const;

  /// The member of that name, perhaps absent; require() makes absence a problem.
  Node operator[](std::string_view key) const;
  Node require(std::string_view key) const;

  std::string text(std::string_view otherwise = "") const;
  bool flag(bool otherwise) const;
  std::uint64_t integer(std::uint64_t least, std::uint64_t most, std::uint64_t otherwise) const;

  /// The items of a list, the members of an object; none where it is absent.
  std::vector<Node> items() const;
  std::vector<std::pair<std::string, Node>> members() const;

  /// One of a few words, each standing for a value.
  template <class Value>
  Value choice(std::initializer_list<std::pair<std::string_view, Value>> words,
               Value otherwise) const {
    if (!present()) return otherwise;
    const std::string word = text();
    std::string known;
    for (const auto& [name, value] : words) {
      if (name == word) return value;
      known.append(known.empty() ? "" : ", ").append(name);
    }
    if (is_text()) problem("'" + word + "' is none of " + known);
    return otherwise;
  }

  /// Adds a problem with this value.
  void problem(std::string_view message) const;

 private:
  Node(const Json* json, std::string path, unsigned line, Problems* problems)
      : json_(json), path_(std::move(path)), line_(line), problems_(problems) {}

  bool is(Json::Kind kind) const { return json_ != nullptr && json_->kind == kind; }
  bool expect(Json::Kind kind) const;
  unsigned line() const { return json_ != nullptr ? json_->line : line_; }

  const Json* json_;
  std::string path_;
  unsigned line_ = 1;  // of the object it is missing from
  Problems* problems_;
};

}  // namespace policy
