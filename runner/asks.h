// Questions to the person at the host: verdict `ask`.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "policy/exec_request.h"
#include "policy/verdict.h"

namespace runner {

/// How a question ended.
enum class Answer {
  yes,
  no,
  late,  // nobody answered in time
  gone,  // the caller does not wait any more
};

/// Open questions and the answers given so far. An answer holds for the same rule, program,
/// arguments and working directory for as long as this runner lives, and for every question that
/// is open about them. No answer in time is a no, and is not remembered. Thread-safe.
class Asks {
 public:
  struct Question {
    std::uint64_t id = 0;  // the exec's, so that none is used twice in a session
    std::string rule;
    std::string program;  // these three printable and bounded
    std::string command;
    std::string cwd;
    std::chrono::steady_clock::time_point deadline;
  };

  static constexpr std::size_t kMostOpen = 16;

  /// The answer given earlier to the same question.
  std::optional<bool> remembered(const policy::Verdict& verdict,
                                 const policy::ExecRequest& request) const;

  /// Opens a question. False: kMostOpen are open already.
  bool open(std::uint64_t id, const policy::Verdict& verdict, const policy::ExecRequest& request);

  /// Waits for the end of an open question, which is closed then. `still_there` is asked now and
  /// then whether somebody waits for it.
  Answer wait(std::uint64_t id, const std::function<bool()>& still_there);

  std::vector<Question> questions() const;

  /// False: no such question is open (any more).
  bool answer(std::uint64_t id, bool yes);

 private:
  struct Entry {
    Question question;
    std::string key;
  };
  static std::string key_of(const policy::Verdict& verdict, const policy::ExecRequest& request);

  mutable std::mutex mutex_;
  std::condition_variable answered_;
  std::map<std::uint64_t, Entry> open_;
  std::map<std::string, bool> remembered_;
};

/// The command as one printable, bounded line. Quotes show where an argument begins and ends.
std::string command_line(const std::vector<std::string>& argv);

}  // namespace runner
