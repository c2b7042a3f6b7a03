#include "audit/json_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace audit {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026
constexpr std::size_t kUnlimited = std::string::npos / 2;

// The first byte of a sequence: how long it is, and what its second byte may be (Unicode 15,
// table 3-7). Length 0: no sequence starts with this byte.
struct Lead {
  std::uint8_t length;
  std::uint8_t low;
  std::uint8_t high;
};

constexpr Lead lead_of(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};  // no surrogates
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// Bytes of the sequence at the start of `text` that are well formed; `whole` when it is complete.
std::size_t sequence(std::string_view text, bool& whole) {
  const Lead lead = lead_of(byte_at(text, 0));
  whole = false;
  if (lead.length == 0) return 1;
  std::size_t have = 1;
  while (have < lead.length && have < text.size()) {
    const unsigned char byte = byte_at(text, have);
    const unsigned char low = have == 1 ? lead.low : 0x80;
    const unsigned char high = have == 1 ? lead.high : 0xBF;
    if (byte < low || byte > high) break;
    ++have;
  }
  whole = have == lead.length;
  return have;
}

// What one character becomes, at most six bytes.
struct Piece {
  std::array<char, 6> bytes;
  std::size_t size = 0;
  void add(std::string_view part) {
    for (const char c : part) bytes[size++] = c;
  }
};

void add_escape(Piece& piece, unsigned char code) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (code) {
    case '"':
      return piece.add("\\\"");
    case '\\':
      return piece.add("\\\\");
    case '\n':
      return piece.add("\\n");
    case '\r':
      return piece.add("\\r");
    case '\t':
      return piece.add("\\t");
    default:
      break;
  }
  piece.add("\\u00");
  piece.add(kHex.substr(code >> 4, 1));
  piece.add(kHex.substr(code & 15, 1));
}

// Encodes the character at the start of `text`; returns how many of its bytes that took.
std::size_t encode(std::string_view text, Piece& piece) {
  const unsigned char byte = byte_at(text, 0);
  if (byte < 0x80) {
    add_escape(piece, byte);
    return 1;
  }
  bool whole = false;
  const std::size_t taken = sequence(text, whole);
  if (!whole) {
    piece.add(kReplacement);
  } else if (byte == 0xC2 && byte_at(text, 1) < 0xA0) {
    add_escape(piece, byte_at(text, 1));  // C1
  } else {
    piece.add(text.substr(0, taken));
  }
  return taken;
}

// The bytes at the start of `text`, at most `most`, that stand for themselves.
std::string_view plain_start(std::string_view text, std::size_t most) {
  std::size_t size = 0;
  while (size < text.size() && size < most) {
    const auto byte = byte_at(text, size);
    if (byte < 0x20 || byte >= 0x7F || byte == '"' || byte == '\\') break;
    ++size;
  }
  return text.substr(0, size);
}

// The size of the longest start that both dotted names have in common, in whole segments.
std::size_t common_parent(std::string_view left, std::string_view right) {
  const auto differ = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
  const auto same = static_cast<std::size_t>(differ.first - left.begin());
  const auto segment_ends = [same](std::string_view name) {
    return same == name.size() || name[same] == '.';
  };
  if (segment_ends(left) && segment_ends(right)) return same;
  const std::size_t dot = left.substr(0, same).rfind('.');
  return dot == std::string_view::npos ? 0 : dot;
}

}  // namespace

bool append_json_string(std::string& out, std::string_view text, std::size_t limit) {
  const std::size_t start = out.size();
  // The last quote goes to `end` at most; a cut text needs its ellipsis in front of that.
  const std::size_t end = limit > kUnlimited - start ? kUnlimited : start + limit - 1;
  const std::size_t cut_end = end - kEllipsis.size();
  std::size_t cut = start + 1;
  out += '"';
  while (!text.empty()) {
    const std::size_t room = out.size() < cut_end ? cut_end - out.size() : 1;
    Piece piece;
    std::string_view part = plain_start(text, room);
    std::size_t taken = part.size();
    if (part.empty()) {
      taken = encode(text, piece);
      part = {piece.bytes.data(), piece.size};
    }
    if (out.size() + part.size() > end) {
      out.resize(cut);
      out.append(kEllipsis) += '"';
      return false;
    }
    out += part;
    if (out.size() <= cut_end) cut = out.size();
    text.remove_prefix(taken);
  }
  out += '"';
  return true;
}

void ObjectWriter::key(std::string_view dotted) {
  const std::size_t name_at = dotted.rfind('.') + 1;  // npos + 1 is 0
  const std::string_view parent = dotted.substr(0, name_at == 0 ? 0 : name_at - 1);
  leave_to(common_parent(parent_, parent));
  while (parent_.size() < parent.size()) {
    const std::size_t begin = parent_.empty() ? 0 : parent_.size() + 1;
    const std::size_t end = std::min(parent.find('.', begin), parent.size());
    if (!first_) out_ += ',';
    append_json_string(out_, parent.substr(begin, end - begin));
    out_ += ":{";
    parent_ = parent.substr(0, end);
    first_ = true;
  }
  if (!first_) out_ += ',';
  append_json_string(out_, dotted.substr(name_at));
  out_ += ':';
  first_ = false;
}

void ObjectWriter::leave_to(std::size_t parent_size) {
  while (parent_.size() > parent_size) {
    out_ += '}';
    first_ = false;
    const std::size_t dot = parent_.rfind('.');
    parent_.resize(dot == std::string::npos ? 0 : dot);
  }
}

void ObjectWriter::finish() {
  leave_to(0);
  out_ += '}';
}

}  // namespace audit
