// Paths in PID 1's tree that only the code that makes the trees knows.
#pragma once

#include <string>

#include "os/text.h"

namespace init {

// Mounts that wait below kPrivateDir until a tree takes them.
inline constexpr char kStagedTaskRoot[] = "/run/agent-init/task-root";
inline constexpr char kStagedTaskHome[] = "/run/agent-init/task-home";
inline constexpr char kStagedCliRoot[] = "/run/agent-init/cli-root";
inline constexpr char kStagedCliShm[] = "/run/agent-init/cli-shm";
inline constexpr char kStagedTmp[] = "/run/agent-init/tmp";
inline constexpr char kStagedHandover[] = "/run/agent-init/handover";

inline std::string capability_dir(const std::string& agent) {
  return os::join("/run/coding-agents/", agent);
}
inline std::string secret_dir(const std::string& agent) {
  return os::join("/run/agent-secrets/", agent);
}
inline std::string data_dir(const std::string& agent, const std::string& session) {
  return os::join("/run/agent-data/", agent, "/", session);
}
inline std::string export_dir(const std::string& agent) {
  return os::join("/run/agent-data-export/", agent);
}

}  // namespace init
