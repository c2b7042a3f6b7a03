#include "policy/read_profile.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/fields.h"

namespace policy {
namespace {

EnvRules read_env(const Node& node) {
  EnvRules rules;
  node.only({"allow", "deny", "set"});
  rules.allow = read_globs(node.require("allow"), Glob::Kind::text);
  rules.deny = read_globs(node["deny"], Glob::Kind::text);
  rules.set = read_variables(node["set"]);
  return rules;
}

Limits read_limits(const Node& node) {
  Limits limits;
  node.only(
      {"wall_seconds", "cpu_seconds", "memory_mb", "processes", "open_files", "file_size_mb"});
  // The bound keeps every limit, in bytes, inside 64 bits.
  constexpr std::uint64_t kMost = 1'000'000'000;
  const auto read = [&node](std::string_view key) -> std::optional<std::uint64_t> {
    if (!node[key].present()) return std::nullopt;
    return node[key].integer(1, kMost, 1);
  };
  limits.wall_seconds = read("wall_seconds");
  limits.cpu_seconds = read("cpu_seconds");
  limits.memory_mb = read("memory_mb");
  limits.processes = read("processes");
  limits.open_files = read("open_files");
  limits.file_size_mb = read("file_size_mb");
  return limits;
}

}  // namespace

Profile read_profile(const std::string& name, const Node& node) {
  using PidNs = Profile::PidNs;
  using OnExit = Profile::OnExit;
  using Suid = Profile::Suid;
  using Userns = Profile::Userns;
  Profile profile;
  profile.name = name;
  check_id(node, name);
  node.only({"pidns", "on_exit", "suid", "userns", "env", "limits", "write"});
  profile.pidns = node["pidns"].choice<PidNs>(
      {{"session", PidNs::session}, {"command", PidNs::command}}, profile.pidns);
  profile.on_exit = node["on_exit"].choice<OnExit>(
      {{"linger", OnExit::linger}, {"kill", OnExit::kill}}, profile.on_exit);
  profile.suid =
      node["suid"].choice<Suid>({{"deny", Suid::deny}, {"allow", Suid::allow}}, profile.suid);
  profile.userns = node["userns"].choice<Userns>({{"deny", Userns::deny}, {"allow", Userns::allow}},
                                                 profile.userns);
  profile.env = read_env(node.require("env"));
  profile.limits = read_limits(node["limits"]);
  profile.write = read_absolute_paths(node["write"]);
  return profile;
}

}  // namespace policy
