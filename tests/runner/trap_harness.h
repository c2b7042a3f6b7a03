// A session without init: this machine's own tree as the task tree, a filtered child as the CLI,
// agent-sandbox and the runner as they are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "os/child.h"
#include "os/fd.h"
#include "policy/policy.h"
#include "runner/daemon.h"

namespace test_support {

class TrapHarness {
 public:
  /// `policy`: the text of a policy file. The program is found beside the test: $AGENT_SANDBOX.
  explicit TrapHarness(const std::string& policy);
  TrapHarness(const TrapHarness&) = delete;
  TrapHarness& operator=(const TrapHarness&) = delete;
  ~TrapHarness();

  /// Empty, or why the harness could not be set up.
  const std::string& problem() const { return problem_; }

  /// Runs `body` as the CLI: uid 1001, no_new_privs, every exec trapped; gives its exit status.
  os::ExitStatus as_cli(const std::function<int()>& body);

  /// kill -9 of the runner, the waiting answered with EIO, and another one.
  void restart_runner();

  runner::Session session;
  runner::Channels channels;

 private:
  os::Status set_up(const std::string& policy);
  os::Status start_sandbox();
  void start_runner();

  std::string problem_;
  policy::Policy policy_;
  policy::Agent agent_;
  os::Fd spawner_, audit_in_, audit_out_, relay_, root_, listener_;
  os::Child sandbox_, runner_, drain_;
};

/// fork, exec `argv` (argv[0] is the path), wait: the wait status. For use inside as_cli().
int spawn_and_wait(const std::vector<std::string>& argv);

/// The same with its stdout.
std::string output_of(const std::vector<std::string>& argv, int* status = nullptr);

}  // namespace test_support
