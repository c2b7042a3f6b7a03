#include "runner/asks.h"

#include <algorithm>

#include "os/text.h"

namespace runner {
namespace {

// How long a question of a caller that is gone stays open.
constexpr std::chrono::milliseconds kLook{500};

constexpr std::size_t kLongest = 400;

std::string quoted(std::string_view argument) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(argument);
  }
  std::string out = "'";
  for (const char c : argument) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

std::string command_line(const std::vector<std::string>& argv) {
  std::string line;
  std::size_t shown = 0;
  while (shown < argv.size() && line.size() <= kLongest) {
    if (shown != 0) line += ' ';
    // More of it than is shown need not be copied.
    line += quoted(std::string_view(argv[shown]).substr(0, kLongest + 1));
    ++shown;
  }
  if (line.size() <= kLongest) return os::printable(line, kLongest);
  std::size_t bytes = argv.size() - 1;
  for (const std::string& argument : argv) bytes += argument.size();
  return os::join(os::printable(line, kLongest), " [", argv.size(), " words, ", bytes, " bytes]");
}

std::string Asks::key_of(const policy::Verdict& verdict, const policy::ExecRequest& request) {
  std::string key = verdict.rule + '\0' + request.path + '\0' + request.cwd + '\0';
  for (const std::string& argument : request.argv) key += argument + '\0';
  return key;
}

std::optional<bool> Asks::remembered(const policy::Verdict& verdict,
                                     const policy::ExecRequest& request) const {
  const std::lock_guard lock(mutex_);
  const auto found = remembered_.find(key_of(verdict, request));
  if (found == remembered_.end()) return std::nullopt;
  return found->second;
}

bool Asks::open(std::uint64_t id, const policy::Verdict& verdict,
                const policy::ExecRequest& request) {
  const std::lock_guard lock(mutex_);
  if (open_.size() >= kMostOpen) return false;
  Question question{id,
                    verdict.rule,
                    os::printable(request.path, kLongest),
                    command_line(request.argv),
                    os::printable(request.cwd, kLongest),
                    std::chrono::steady_clock::now() + verdict.timeout};
  open_[id] = {std::move(question), key_of(verdict, request)};
  return true;
}

Answer Asks::wait(std::uint64_t id, const std::function<bool()>& still_there) {
  std::unique_lock lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end()) return Answer::gone;
  const Entry& entry = found->second;
  const auto deadline = entry.question.deadline;
  const auto is_answered = [&] { return remembered_.contains(entry.key); };
  Answer answer = Answer::late;
  while (!is_answered() && std::chrono::steady_clock::now() < deadline) {
    if (!still_there()) {
      answer = Answer::gone;
      break;
    }
    answered_.wait_until(lock, std::min(deadline, std::chrono::steady_clock::now() + kLook),
                         is_answered);
  }
  if (is_answered()) answer = remembered_[entry.key] ? Answer::yes : Answer::no;
  open_.erase(found);
  return answer;
}

std::vector<Asks::Question> Asks::questions() const {
  const std::lock_guard lock(mutex_);
  std::vector<Question> out;
  for (const auto& [id, entry] : open_) {
    // What has been answered or is too late is closed as soon as its thread runs.
    const bool waits = entry.question.deadline > std::chrono::steady_clock::now() &&
                       !remembered_.contains(entry.key);
    if (waits) out.push_back(entry.question);
  }
  return out;
}

bool Asks::answer(std::uint64_t id, bool yes) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end() || remembered_.contains(found->second.key) ||
      found->second.question.deadline <= std::chrono::steady_clock::now()) {
    return false;
  }
  remembered_[found->second.key] = yes;
  answered_.notify_all();
  return true;
}

}  // namespace runner
