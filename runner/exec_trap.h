// The exec trap: walks each exec that an engine has trapped to its end. It routes; what holds a
// command is the sandbox (docs/threat-model.md).
#pragma once

#include "runner/context.h"
#include "runner/trapped_call.h"

namespace runner {

class ExecTrap {
 public:
  explicit ExecTrap(Context& context) : context_(context) {}

  /// One exec from here to its answer. Paths are looked up with the file-access identity of the
  /// calling thread, which must be agentuser's: what belongs to others is not even found.
  void walk(TrappedCall& call);

 private:
  struct Walk;

  void go_on(Walk walk);
  void wait_for_answer(Walk walk);
  void run_command(Walk walk);
  void run_itself(Walk walk);
  bool is_own(os::FileId file) const;
  // Does the path lead to one of the CLI's own programs, and is it used as the policy allows?
  bool names_own_file(const ExecCopy& copy, pid_t caller) const;
  bool used_as_own(const ExecCopy& copy, const std::vector<std::string>& argv,
                   const std::vector<std::string>& env) const;
  bool verify_itself(pid_t tid, const ExecCopy& copy) const;

  Context& context_;
};

}  // namespace runner
