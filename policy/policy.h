// A policy file: exec rules, sandbox profiles, and the protections a session must have.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "os/result.h"
#include "policy/exec_policy.h"
#include "policy/profile.h"
#include "policy/protection.h"

namespace policy {

struct Policy {
  ExecPolicy exec;
  std::map<std::string, Profile, std::less<>> profiles;  // holds every profile that `exec` names
  Require require;
  // Whether new keys of a workspace's git configuration that make git run something are taken back
  // (`"git_config": "undo"`) or only reported.
  bool undo_git_config = false;
};

/// Reads a policy: `default` and `strict` are the shipped ones (part of the program), anything else
/// is the path of a file. An error's step is `FILE:LINE: rules[3].path: …`, its code EINVAL, or the
/// failure to read the file.
os::Result<Policy> load_policy(const std::string& name_or_path);

/// The same for text at hand; `source` stands for the file's name in errors.
os::Result<Policy> parse_policy(std::string_view text, const std::string& source);

}  // namespace policy
