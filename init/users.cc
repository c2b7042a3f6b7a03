#include "init/users.h"

#include <array>

#include "os/text.h"

namespace init {
namespace {

struct User {
  const char* name;
  const char* group;
  uid_t id;
  const char* home;
  const char* shell;
};

constexpr char kNoLogin[] = "/usr/sbin/nologin";
constexpr char kNoHome[] = "/nonexistent";

constexpr std::array<User, 7> kUsers = {{
    {"root", "root", 0, "/root", "/bin/bash"},
    {"agentuser", "agentuser", kAgentUser, "/home/agentuser", "/bin/bash"},
    {"agentcli", "agentcli", kAgentCli, "/home/agentuser", "/bin/bash"},
    {"agentaudit", "agentaudit", kAgentAudit, kNoHome, kNoLogin},
    {"agentnet", "agentnet", kAgentNet, kNoHome, kNoLogin},
    {"agentchannel", "agentchannel", kAgentChannel, kNoHome, kNoLogin},
    {"nobody", "nogroup", 65534, kNoHome, kNoLogin},
}};

bool has_user(std::string_view passwd, std::string_view name, uid_t id) {
  const std::string wanted = os::join(name, ":x:", id, ":", id, ":");
  return passwd.substr(0, wanted.size()) == wanted ||
         passwd.find("\n" + wanted) != std::string_view::npos;
}

}  // namespace

std::string passwd_text() {
  std::string text;
  for (const User& user : kUsers) {
    text +=
        os::join(user.name, ":x:", user.id, ":", user.id, "::", user.home, ":", user.shell, "\n");
  }
  return text;
}

std::string group_text() {
  std::string text;
  for (const User& user : kUsers) text += os::join(user.group, ":x:", user.id, ":\n");
  return text;
}

bool has_our_users(std::string_view passwd) {
  return has_user(passwd, "agentuser", kAgentUser) && has_user(passwd, "agentcli", kAgentCli);
}

}  // namespace init
