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

/// A request as rules see it: with clean paths. The request must outlive it.
class Subject {
 public:
  explicit Subject(const ExecRequest& request);
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  const ExecRequest& request() const { return *request_; }
  std::string_view path() const { return path_.view; }
  std::string_view cwd() const { return cwd_.view; }

 private:
  /// A path as it is, or a cleaned copy where it is not clean already.
  struct CleanPath {
    explicit CleanPath(const std::string& path);
    std::string copy;
    std::string_view view;
  };

  const ExecRequest* request_;
  CleanPath path_;
  CleanPath cwd_;
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
