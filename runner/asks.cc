#include "runner/asks.h"

#include "os/text.h"

namespace runner {

std::string command_line(const std::vector<std::string>& argv) {
  constexpr std::size_t kLongest = 400;
  std::string line;
  for (const std::string& argument : argv) {
    if (!line.empty()) line += ' ';
    line += argument;
    if (line.size() > kLongest) break;
  }
  return os::printable(line, kLongest);
}

std::string Asks::key_of(const policy::Verdict& verdict, const policy::ExecRequest& request) {
  std::string key = verdict.rule + '\0' + request.path + '\0';
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

bool Asks::ask(const policy::Verdict& verdict, const policy::ExecRequest& request) {
  std::unique_lock lock(mutex_);
  if (open_.size() >= kMostOpen) return false;
  const std::uint64_t id = next_id_++;
  const auto deadline = std::chrono::steady_clock::now() + verdict.timeout;
  open_[id] = {id, verdict.rule, command_line(request.argv), request.cwd, deadline};
  answered_.wait_until(lock, deadline, [&] { return answers_.contains(id); });
  open_.erase(id);
  const auto answer = answers_.find(id);
  if (answer == answers_.end()) return false;
  const bool yes = answer->second;
  answers_.erase(answer);
  remembered_[key_of(verdict, request)] = yes;
  return yes;
}

std::vector<Asks::Question> Asks::open() const {
  const std::lock_guard lock(mutex_);
  std::vector<Question> out;
  for (const auto& [id, question] : open_) out.push_back(question);
  return out;
}

bool Asks::answer(std::uint64_t id, bool yes) {
  const std::lock_guard lock(mutex_);
  if (!open_.contains(id)) return false;
  answers_[id] = yes;
  answered_.notify_all();
  return true;
}

}  // namespace runner
