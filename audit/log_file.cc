#include "audit/log_file.h"

#include <cerrno>

namespace audit {
namespace {

// Holds at least the last whole line and an unfinished one.
constexpr std::size_t kTail = 2 * kMaxLine;

// A socket holds 208 KiB of messages (net.core.wmem_default), with the kernel's own overhead less
// than 300 of them, and a line adds at most 400 bytes to its message.
constexpr std::uint64_t kReserve = std::uint64_t{384} * 1024;

// Takes the last line, without its newline, off `text`, which ends with a newline.
std::string_view take_last(std::string_view& text) {
  text.remove_suffix(1);
  const std::size_t start = text.rfind('\n') + 1;  // npos + 1 is 0
  const std::string_view line = text.substr(start);
  text = text.substr(0, start);
  return line;
}

}  // namespace

os::Result<std::uint64_t> LogFile::mend(bool ours) {
  const std::string tail = TRY(file_.tail(kTail));
  if (tail.empty() || tail.back() == '\n') return std::uint64_t{0};
  const std::uint64_t unfinished = tail.size() - (tail.rfind('\n') + 1);
  if (!ours) {
    TRY(file_.append("\n"));
  } else if (unfinished > kMaxLine) {
    return os::Error{EBADMSG, "the log's last line is longer than any of ours"};
  } else {
    TRY(file_.truncate(file_.size() - unfinished));
  }
  return unfinished;
}

os::Result<std::string> LogFile::last_line() const {
  const std::string tail = TRY(file_.tail(kTail));
  if (tail.empty()) return std::string();
  std::string_view text = tail;
  return std::string(take_last(text)) + '\n';
}

os::Result<LastLine> LogFile::last_record() const {
  const std::string tail = TRY(file_.tail(kTail));
  if (tail.empty()) return LastLine{};
  std::string_view text = tail;
  while (!text.empty()) {
    os::Result<LastLine> record = read_line(take_last(text));
    if (record.ok()) return record;
  }
  return os::Error{EBADMSG, "no record at the end of the log"};
}

os::Status LogFile::reserve() { return file_.reserve(kReserve); }

os::Status LogFile::close() {
  TRY(file_.release_reserve());
  return file_.sync();
}

}  // namespace audit
