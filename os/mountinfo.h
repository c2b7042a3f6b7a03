// What is mounted: /proc/PID/mountinfo, proc(5).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "os/result.h"

namespace os {

/// One line of mountinfo, with the octal escapes (`\040`) undone.
struct MountEntry {
  int id = 0;
  int parent = 0;
  std::string device;       // `major:minor`
  std::string root;         // which directory of the filesystem is mounted
  std::string target;       // where
  std::string options;      // per mount: `ro,nosuid,nodev,relatime`
  std::string propagation;  // `shared:5`, `master:1`, `unbindable`, …; empty: private
  std::string type;
  std::string source;
  std::string super_options;
};

/// Entries in the order of mounting. EINVAL names the line that is not one.
Result<std::vector<MountEntry>> parse_mountinfo(std::string_view text);

/// The mounts this process sees.
Result<std::vector<MountEntry>> read_mountinfo();

}  // namespace os
