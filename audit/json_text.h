// Appends JSON without building a tree: for the senders' hot path.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace audit {

/// Appends `text` as a JSON string in UTF-8. Control characters (C0, DEL, C1: a terminal obeys
/// them) are always escaped; bytes that are not UTF-8 become U+FFFD, one for each maximal part of
/// a sequence, as Unicode recommends. At most `limit` bytes, quotes included, are appended (at
/// least 8): a text that needs more ends in `…`, and false is returned.
bool append_json_string(std::string& out, std::string_view text,
                        std::size_t limit = std::string::npos);

/// One JSON object, written field by field. Dotted keys nest; keys come in sorted order, so that
/// fields of one object are neighbours.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

  /// Closes and opens objects as needed and appends `"name":`; the caller appends the value.
  void key(std::string_view dotted);

  /// Closes all that is open.
  void finish();

 private:
  void leave_to(std::size_t parent_size);

  std::string& out_;
  std::string parent_;  // dotted path of the object that is open; empty: the outermost
  bool first_ = true;   // nothing in that object yet
};

}  // namespace audit
