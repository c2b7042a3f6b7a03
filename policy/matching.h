// Compares one rule with one request: the part that decide() and explain() share.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "policy/exec_policy.h"

namespace policy {

/// `path` without `//`, `.` and `..`; the links in it are not looked at. For absolute paths.
std::string clean_path(std::string_view path);

/// A path in its clean form: itself, or a copy where it is not clean already. It must outlive this.
class CleanPath {
 public:
  explicit CleanPath(const std::string& path);
  std::string_view view() const { return copy_.empty() ? *path_ : copy_; }

 private:
  const std::string* path_;
  std::string copy_;
};

/// A request as rules see it: with clean paths. The request must outlive it.
struct Subject {
  explicit Subject(const ExecRequest& asked) : request(&asked), path(asked.path), cwd(asked.cwd) {}
  const ExecRequest* request;
  CleanPath path;
  CleanPath cwd;
};

/// The first condition of a rule that a request does not meet.
struct Difference {
  enum class What { own_program, path, argument, argc, env_present, env_absent, cwd };
  What what;
  std::size_t index = 0;  // of the condition, where the rule has a list of them
};

/// std::nullopt: the rule matches. Does not allocate.
std::optional<Difference> first_difference(const Rule& rule, const Subject& subject);

/// `argument 1 is 'status', not 'push'`: the difference in words.
std::string describe(const Difference& difference, const Rule& rule, const Subject& subject);

/// `the path matches '**/git'; argument 1 matches 'push'`: all that the rule asks for.
std::string describe_match(const Rule& rule);

}  // namespace policy
