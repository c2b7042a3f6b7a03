// Questions to the person at the host: verdict `ask`.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "policy/exec_request.h"
#include "policy/verdict.h"

namespace runner {

/// Open questions and the answers given so far. An answer holds for the same rule and command for
/// as long as this runner lives. No answer in time is a no, and is not remembered.
class Asks {
 public:
  struct Question {
    std::uint64_t id = 0;
    std::string rule;
    std::string command;  // printable, bounded
    std::string cwd;
    std::chrono::steady_clock::time_point deadline;
  };

  /// The answer given earlier to the same question.
  std::optional<bool> remembered(const policy::Verdict& verdict,
                                 const policy::ExecRequest& request) const;

  /// Waits for an answer, at most verdict.timeout. False also when too many questions are open.
  bool ask(const policy::Verdict& verdict, const policy::ExecRequest& request);

  std::vector<Question> open() const;

  /// False: no such question (any more).
  bool answer(std::uint64_t id, bool yes);

 private:
  static constexpr std::size_t kMostOpen = 16;
  static std::string key_of(const policy::Verdict& verdict, const policy::ExecRequest& request);

  mutable std::mutex mutex_;
  std::condition_variable answered_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Question> open_;
  std::map<std::uint64_t, bool> answers_;
  std::map<std::string, bool> remembered_;
};

/// The command as one printable, bounded line.
std::string command_line(const std::vector<std::string>& argv);

}  // namespace runner
