#include "policy/json.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "os/text.h"

namespace policy {
namespace {

/// Where the parser is, counted by the iterator it reads through.
struct Position {
  unsigned line = 1;
  bool at_line_end = false;  // the last character read was a newline
};

/// Iterates over the text and keeps the position.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, Position& position) : at_(at), position_(&position) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    position_->at_line_end = *at_ == '\n';
    if (position_->at_line_end) ++position_->line;
    ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  Position* position_;
};

/// Builds the tree from the parser's events. A method that returns false ends the parse.
class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  TreeBuilder(std::string source, const Position& position)
      : source_(std::move(source)), position_(position) {}

  bool null() override { return add(Json::Kind::null) != nullptr; }
  bool boolean(bool value) override {
    Json* json = add(Json::Kind::boolean);
    if (json != nullptr) json->boolean = value;
    return json != nullptr;
  }
  bool number_integer(std::int64_t value) override {
    Json* json = add(Json::Kind::integer);
    if (json != nullptr) json->integer = value;
    return json != nullptr;
  }
  bool number_unsigned(std::uint64_t value) override {
    if (value > std::numeric_limits<std::int64_t>::max()) return fail("the number is too large");
    return number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(double, const std::string&) override {
    return add(Json::Kind::real) != nullptr;
  }
  bool string(std::string& value) override {
    if (value.find('\0') != std::string::npos) return fail("a NUL character in text");
    Json* json = add(Json::Kind::text);
    if (json != nullptr) json->text = std::move(value);
    return json != nullptr;
  }
  bool binary(nlohmann::json::binary_t&) override { return fail("binary data"); }
  bool start_object(std::size_t) override { return open(Json::Kind::object); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::Kind::list); }
  bool end_array() override { return close(); }

  bool key(std::string& value) override {
    Json& object = *open_.back();
    key_line_ = position_.line;
    if (value.find('\0') != std::string::npos) return fail_key("a NUL character in a key");
    if (object.items.size() == kMaxJsonKeys) {
      return fail_key(os::join("more than ", kMaxJsonKeys, " keys in one object"));
    }
    if (const Json* first = object.find(value); first != nullptr) {
      const std::string path = member_path(path_to(open_.size()), value);
      error_ = json_error(source_, key_line_, path,
                          os::join("the key stands here twice, first on line ", first->line));
      return false;
    }
    object.items.emplace_back().key = std::move(value);
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& exception) override {
    // `[json.exception.parse_error.101] parse error at line 2, column 3: syntax error while …`
    const std::string_view what = exception.what();
    const std::size_t place = what.find("column ");
    const std::size_t reason = what.find(": ", place == std::string_view::npos ? 0 : place);
    error_ = json_error(
        source_, line(), "",
        os::join("not JSON: ", reason == std::string_view::npos ? what : what.substr(reason + 2)));
    return false;
  }

  os::Result<Json> result() && {
    if (error_) return std::move(*error_);
    return std::move(root_);
  }

 private:
  // A number ends at the character after it, which may be a newline already counted.
  unsigned line() const { return position_.line - (position_.at_line_end ? 1 : 0); }

  // Refuses the value that comes next.
  bool fail(std::string_view message) {
    std::string path = path_to(open_.size());
    if (!open_.empty() && open_.back()->kind == Json::Kind::list) {
      path = item_path(path, open_.back()->items.size());
    } else if (!open_.empty()) {
      path = member_path(path, open_.back()->items.back().key);
    }
    error_ = json_error(source_, line(), path, message);
    return false;
  }

  bool fail_key(std::string_view message) {
    error_ = json_error(source_, line(), path_to(open_.size()), message);
    return false;
  }

  // Puts a new value where the parser is: into the open list, under the last key, or at the top.
  Json* add(Json::Kind kind) {
    Json* json = &root_;
    unsigned at = line();
    if (!open_.empty() && open_.back()->kind == Json::Kind::list) {
      json = &open_.back()->items.emplace_back();
    } else if (!open_.empty()) {
      json = &open_.back()->items.back();
      at = key_line_;
    }
    json->kind = kind;
    json->line = at;
    return json;
  }

  bool open(Json::Kind kind) {
    if (open_.size() == kMaxJsonDepth) {
      return fail(os::join("nested deeper than ", kMaxJsonDepth, " levels"));
    }
    open_.push_back(add(kind));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  // The path of the innermost of the first `depth` open values.
  std::string path_to(std::size_t depth) const {
    std::string path;
    for (std::size_t i = 0; i + 1 < depth; ++i) {
      const Json& json = *open_[i];
      path = json.kind == Json::Kind::list ? item_path(path, json.items.size() - 1)
                                           : member_path(path, json.items.back().key);
    }
    return path;
  }

  std::string source_;
  const Position& position_;
  Json root_;
  std::vector<Json*> open_;  // the innermost last; its parents do not grow while it is open
  unsigned key_line_ = 1;
  std::optional<os::Error> error_;
};

}  // namespace

const Json* Json::find(std::string_view wanted) const {
  const auto found = std::find_if(items.begin(), items.end(),
                                  [wanted](const Json& item) { return item.key == wanted; });
  return kind == Kind::object && found != items.end() ? &*found : nullptr;
}

std::string_view name(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::null:
      return "null";
    case Json::Kind::boolean:
      return "true or false";
    case Json::Kind::integer:
      return "a whole number";
    case Json::Kind::real:
      return "a fraction";
    case Json::Kind::text:
      return "text";
    case Json::Kind::list:
      return "a list";
    case Json::Kind::object:
      return "an object";
  }
  return "";
}

std::string member_path(const std::string& path, std::string_view key) {
  const std::string shown = os::printable(key, 80);
  return path.empty() ? shown : os::join(path, ".", shown);
}

std::string item_path(const std::string& path, std::size_t index) {
  return os::join(path, "[", index, "]");
}

os::Error json_error(const std::string& source, unsigned line, const std::string& path,
                     std::string_view message) {
  std::string step = os::join(source, ":", line, ": ");
  if (!path.empty()) step += path + ": ";
  step += os::printable(message, 400);
  return os::Error{EINVAL, std::move(step)};
}

os::Result<Json> parse_json(std::string_view text, const std::string& source) {
  if (text.size() > kMaxJsonBytes) {
    return json_error(source, 1, "", os::join("longer than ", kMaxJsonBytes, " bytes"));
  }
  Position position;
  TreeBuilder builder(source, position);
  const CountingIterator begin(text.data(), position);
  const CountingIterator end(text.data() + text.size(), position);
  nlohmann::json::sax_parse(begin, end, &builder);
  return std::move(builder).result();
}

}  // namespace policy
