// Learns of changes in directories, inotify(7).
#pragma once

#include <string>
#include <vector>

#include "os/fd.h"
#include "os/result.h"

namespace os {

struct FileNotice {
  int watch = -1;    // of watch(); -1: notices were lost, look at everything again
  std::string name;  // in that directory
};

class FileNotices {
 public:
  FileNotices() = default;

  static Result<FileNotices> make();

  /// Readable when there is something to read().
  int descriptor() const { return fd_.get(); }

  /// From now on: what is made in, moved into or, with `content`, changed in `directory` (O_PATH is
  /// enough; needs /proc). The same directory gives the same number. ENOSPC: too many watches.
  /// A change through a memory mapping gives no notice.
  Result<int> watch(int directory, bool content);

  /// The next notices, a few hundred at most, never waits. The kernel says itself when it lost
  /// some.
  Result<std::vector<FileNotice>> read();

 private:
  Fd fd_;
};

}  // namespace os
