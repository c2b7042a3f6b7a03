#include "audit/event.h"

#include <algorithm>
#include <chrono>

#include "audit/actions.h"
#include "audit/json_text.h"
#include "os/text.h"

namespace audit {
namespace {

// What a field needs besides its value and its key, and what follows the last field.
constexpr std::size_t kFieldRoom = 32;
constexpr std::size_t kEndRoom = 128;

std::int64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::string in_list(std::string_view word) {
  return word.empty() ? "[]" : os::join("[\"", word, "\"]");
}

}  // namespace

Event::Event(std::string_view action) : action_(action), time_ns_(now_ns()) {
  bytes_.reserve(1024);
  fields_.reserve(32);
  set("event.action", action);
  const ActionInfo* info = find_action(action);
  if (info == nullptr) return;
  set("event.kind", info->kind);
  set("event.outcome", info->outcome);
  add_plain("event.category", in_list(info->category));
  add_plain("event.type", in_list(info->type));
}

Event& Event::set(std::string_view key, std::string_view value) {
  add(Kind::text, key, value);
  return *this;
}

Event& Event::set(std::string_view key, std::span<const std::string> values) {
  const auto looked_at = values.first(std::min(values.size(), kMaxElements));
  if (looked_at.size() < values.size()) truncated_ = true;
  add(Kind::list, key, {});
  fields_.back().value_size = static_cast<std::uint32_t>(looked_at.size());
  for (const std::string& value : looked_at) add(Kind::element, {}, value);
  return *this;
}

Event& Event::add_plain(std::string_view key, std::string_view text) {
  add(Kind::plain, key, text);
  return *this;
}

void Event::add(Kind kind, std::string_view key, std::string_view value) {
  std::string size_only;
  if (value.size() > kMaxValue) {
    size_only = os::join('[', value.size(), " bytes]");
    value = size_only;
    truncated_ = true;
  }
  const auto at = static_cast<std::uint32_t>(bytes_.size());
  const auto key_size = static_cast<std::uint32_t>(key.size());
  const auto value_size = static_cast<std::uint32_t>(value.size());
  fields_.push_back({kind, at, key_size, at + key_size + 1, value_size});
  bytes_.append(key).append(1, '\0').append(value).append(1, '\0');
}

std::string_view Event::key_of(const Field& field) const {
  return std::string_view(bytes_).substr(field.key, field.key_size);
}

std::string_view Event::value_of(const Field& field) const {
  return std::string_view(bytes_).substr(field.value, field.value_size);
}

/// Writes the fields in the order of their keys, each within what is left of kMaxData.
class Event::Writer {
 public:
  Writer(const Event& event, const Redactor* redactor)
      : event_(event), complete_(!event.truncated_) {
    if (redactor != nullptr && redactor->found_in(event.bytes_)) redactor_ = redactor;
    out_.reserve(1024);
  }

  std::string write() {
    ObjectWriter object(out_);
    for (const std::size_t index : sorted()) {
      const Field& field = event_.fields_[index];
      const std::size_t least = field.kind == Kind::plain ? field.value_size : 0;
      if (room() < std::size_t{2} * field.key_size + kFieldRoom + least) {
        complete_ = false;
        continue;
      }
      object.key(event_.key_of(field));
      write_value(index);
    }
    if (!complete_) {
      object.key("truncated");
      out_ += "true";
    }
    object.finish();
    return std::move(out_);
  }

 private:
  std::vector<std::size_t> sorted() const {
    std::vector<std::size_t> order;
    order.reserve(event_.fields_.size());
    for (std::size_t i = 0; i < event_.fields_.size(); ++i) {
      if (event_.fields_[i].kind != Kind::element) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      return event_.key_of(event_.fields_[a]) < event_.key_of(event_.fields_[b]);
    });
    return order;
  }

  std::size_t room() const {
    return kMaxData - kEndRoom - std::min(out_.size(), kMaxData - kEndRoom);
  }

  void write_value(std::size_t index) {
    const Field& field = event_.fields_[index];
    if (field.kind == Kind::plain) {
      out_ += event_.value_of(field);
    } else if (field.kind == Kind::text) {
      write_text(field, std::min(kMaxText, room()));
    } else {
      write_list(index);
    }
  }

  void write_list(std::size_t index) {
    const std::size_t end = out_.size() + std::min(kMaxList, room());
    out_ += '[';
    for (std::size_t i = 1; i <= event_.fields_[index].value_size; ++i) {
      if (out_.size() + kFieldRoom > end) {
        complete_ = false;
        break;
      }
      if (i > 1) out_ += ',';
      write_text(event_.fields_[index + i], std::min(kMaxElement, end - out_.size() - 1));
    }
    out_ += ']';
  }

  void write_text(const Field& field, std::size_t limit) {
    const std::string_view value = event_.value_of(field);
    const bool whole = redactor_ == nullptr
                           ? append_json_string(out_, value, limit)
                           : append_json_string(out_, redactor_->mask(std::string(value)), limit);
    if (!whole) complete_ = false;
  }

  const Event& event_;
  const Redactor* redactor_ = nullptr;  // set only when there is something to mask
  bool complete_;
  std::string out_;
};

std::string Event::data_json(const Redactor* redactor) const {
  return Writer(*this, redactor).write();
}

}  // namespace audit
