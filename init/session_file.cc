#include "init/session_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "os/fd.h"
#include "os/process.h"
#include "os/text.h"

namespace init {
namespace {

template <class Number>
bool parse(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && at == end;
}

os::Result<SessionProcess> read_session(const std::string& name, const std::string& dir) {
  const std::string text = TRY(os::read_file(os::join(dir, '/', name), 256));
  const auto words = os::split(std::string_view(text).substr(0, text.find('\n')), ' ');
  SessionProcess session{name, 0, 0};
  if (words.size() != 2 || !parse(words[0], session.pid) || !parse(words[1], session.start_time)) {
    return os::Error{EPROTO, os::join("read session '", name, "'")};
  }
  return session;
}

}  // namespace

bool is_alive(const SessionProcess& session) {
  const auto started = os::start_time(session.pid);
  return started.ok() && started.value() == session.start_time;
}

os::Status add_session(const SessionProcess& session, const std::string& dir) {
  std::error_code error;
  if (std::filesystem::create_directory(dir, error)) {
    std::filesystem::permissions(dir, std::filesystem::perms::owner_all, error);
  }
  if (find_session(session.name, dir).ok()) {
    return os::Error{EEXIST, os::join("a session named '", session.name, "' runs already")};
  }
  return os::write_file(os::join(dir, '/', session.name),
                        os::join(session.pid, ' ', session.start_time, '\n'), 0600);
}

void remove_session(const std::string& name, const std::string& dir) {
  std::error_code ignored;
  std::filesystem::remove(os::join(dir, '/', name), ignored);
}

os::Result<SessionProcess> find_session(const std::string& name, const std::string& dir) {
  const SessionProcess session =
      TRY_STEP(read_session(name, dir), os::join("find session '", name, "'"));
  if (!is_alive(session)) {
    return os::Error{ENOENT, os::join("find session '", name, "': it has ended")};
  }
  return session;
}

std::vector<SessionProcess> list_sessions(const std::string& dir) {
  std::vector<SessionProcess> sessions;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    auto session = find_session(entry.path().filename().string(), dir);
    if (session.ok()) sessions.push_back(std::move(session).value());
  }
  std::sort(sessions.begin(), sessions.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return sessions;
}

}  // namespace init
