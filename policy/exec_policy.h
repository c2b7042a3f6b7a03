// The rules for executing programs, and the decision they give. Pure: no I/O, no state.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "policy/exec_request.h"
#include "policy/glob.h"
#include "policy/verdict.h"

namespace policy {

/// A test on the arguments. argv[0] counts as position 0 and is not part of `any` and `none`.
struct ArgumentTest {
  enum class Where { at, any, none };
  Where where;
  std::size_t index;  // for `at`
  Glob glob;
};

/// Everything a rule asks of a request; what is empty is not asked.
struct Match {
  std::vector<Glob> path;          // one of them
  std::vector<ArgumentTest> argv;  // each of them
  std::size_t argc_min = 0;        // how many arguments, argv[0] included
  std::size_t argc_max = std::numeric_limits<std::size_t>::max();
  std::vector<Glob> env_present;  // each matches the name of some variable
  std::vector<Glob> env_absent;   // none matches any name
  std::vector<std::string> cwd;   // one of them is the working directory or above it
};

struct Rule {
  std::string id;
  Action action = Action::deny;
  Match match;
  std::string profile;  // empty: the policy's default
  std::string reason;
  std::string stub;
  std::chrono::seconds timeout{0};
  bool silent = false;
};

struct ExecPolicy {
  std::vector<Rule> rules;       // the first that matches decides
  std::string default_profile;   // of a rule that names none
  std::string task_run_profile;  // the same for requests of the explicit route
  bool observe = false;          // report what would be denied or asked, and run it
};

/// The verdict on `request`: that of the first rule that matches; deny where none does. Cannot
/// fail. In observe mode a deny or ask becomes run in the default profile, with `observed` set and
/// the rule and reason kept. The path is compared after `//`, `.` and `..` are taken out of it.
Verdict decide(const ExecPolicy& policy, const ExecRequest& request);

/// Why a rule did or did not decide.
struct Finding {
  std::string rule;
  bool matches = false;
  std::string why;  // what differs, or what made it match, in one sentence
};

struct Explanation {
  Verdict verdict;
  std::vector<Finding> findings;  // every rule up to the one that decides, in order
};

/// decide() with its reasons. The verdict always equals that of decide().
Explanation explain(const ExecPolicy& policy, const ExecRequest& request);

}  // namespace policy
