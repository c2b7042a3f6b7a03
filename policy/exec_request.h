// What a caller asked to execute: plain data, copied once from its memory.
#pragma once

#include <string>
#include <vector>

namespace policy {

struct ExecRequest {
  std::string path;               // absolute, as the caller named it: symlinks are not resolved
  std::vector<std::string> argv;  // argv[0] is whatever the caller put there
  std::vector<std::string> env;   // "NAME=value"
  std::string cwd;                // absolute
  // The file is one of the CLI's own root-owned programs by device and inode, and self_allowed()
  // of policy/agent.h says yes. A rule with verdict `self` matches nothing else.
  bool own_program = false;
  // Sent by agent-task-run over the socket, not trapped: the profile is another one where the
  // rule names none.
  bool explicit_route = false;
};

}  // namespace policy
