// One file of event lines: grows by whole lines, mends what a crash left at its end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/record.h"
#include "os/append_file.h"
#include "os/result.h"

namespace audit {

class LogFile {
 public:
  LogFile() = default;
  explicit LogFile(os::AppendFile file) : file_(std::move(file)) {}

  bool valid() const { return file_.valid(); }

  /// Mends an unfinished last line. `ours`: it was being written when this session's daemon died,
  /// and its message still waits, so it is cut off. Otherwise it is somebody's evidence and is
  /// ended with a newline. Returns how many bytes of it there were.
  os::Result<std::uint64_t> mend(bool ours);

  /// The last line with its newline; empty for an empty file or a pipe.
  os::Result<std::string> last_line() const;

  /// What the last readable record says, all zero in an empty file. EBADMSG when there are lines
  /// at the end and none is a record: going on would pretend that the log were empty.
  os::Result<LastLine> last_record() const;

  os::Status append(std::string_view line) { return file_.append(line); }

  /// Room for everything that the senders' socket can hold.
  os::Status reserve();
  os::Status lock() { return file_.regular() ? file_.lock() : os::Status(); }
  os::Status sync() { return file_.sync(); }

  /// Syncs and gives back the reserve.
  os::Status close();

 private:
  os::AppendFile file_;
};

}  // namespace audit
