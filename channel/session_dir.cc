#include "channel/session_dir.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "os/paths.h"
#include "os/process.h"
#include "os/socket.h"
#include "os/text.h"

namespace channel {
namespace {

namespace fs = std::filesystem;
using os::Error;
using os::join;

constexpr char kState[] = ".session";
constexpr char kSocket[] = ".sock";
constexpr int kStateVersion = 1;

std::string file_of(const std::string& dir, const std::string& name, const char* kind) {
  return join(dir, '/', name, kind);
}

std::string value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string& entry : environment) {
    if (entry.starts_with(name) && entry.substr(name.size(), 1) == "=") {
      return entry.substr(name.size() + 1);
    }
  }
  return "";
}

std::string text_of(const SessionState& state) {
  return join(kStateVersion, '\n', state.engine, '\n', state.key, '\n',
              state.terminal ? "terminal" : "streams", '\n', state.events_from, '\n', state.events,
              '\n');
}

}  // namespace

os::Result<std::string> session_dir() {
  const uid_t self = os::self().uid;
  const std::string runtime = value_of(os::environment(), "XDG_RUNTIME_DIR");
  std::string dir = "/run/coding-agents";
  if (self != 0) {
    dir = runtime.empty() ? join("/tmp/coding-agents-", self) : join(runtime, "/coding-agents");
  }
  TRY(os::make_directory(dir, 0700));
  const struct stat found = TRY(os::stat_path(dir));
  if (!S_ISDIR(found.st_mode) || found.st_uid != self || (found.st_mode & 077) != 0) {
    return Error{EACCES, join("keep the session's key in '", dir, "': make it yours, mode 0700")};
  }
  return dir;
}

os::Status create_state(const std::string& dir, const SessionState& state) {
  const std::string path = file_of(dir, state.name, kState);
  const os::Fd file = TRY(os::open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  os::Status written = os::write_all(file.get(), text_of(state));
  if (!written.ok()) remove_state(dir, state.name);
  return written;
}

os::Status write_state(const std::string& dir, const SessionState& state) {
  return os::write_file(file_of(dir, state.name, kState), text_of(state), 0600);
}

os::Result<SessionState> read_state(const std::string& dir, const std::string& name) {
  const std::string text =
      TRY_STEP(os::read_file(file_of(dir, name, kState)), join("find session '", name, "'"));
  const auto lines = os::split(text, '\n');
  if (lines.size() < 6 || lines[0] != std::to_string(kStateVersion)) {
    return Error{EPROTO, join("read '", file_of(dir, name, kState), "': of another release")};
  }
  SessionState state{name, lines[1], lines[2], lines[3] == "terminal", lines[5], 0};
  const char* end = lines[4].data() + lines[4].size();
  if (std::from_chars(lines[4].data(), end, state.events_from).ptr != end) {
    return Error{EPROTO, join("read '", file_of(dir, name, kState), "'")};
  }
  return state;
}

void remove_state(const std::string& dir, const std::string& name) {
  std::error_code ignored;
  fs::remove(file_of(dir, name, kState), ignored);
  fs::remove(file_of(dir, name, kSocket), ignored);
}

std::vector<std::string> session_names(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    if (entry.path().extension() == kState) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

os::Result<os::Fd> listen_as(const std::string& dir, const std::string& name) {
  if (connect_to(dir, name).ok()) {
    return Error{EEXIST, join("name the session '", name, "': one of that name runs")};
  }
  const std::string path = file_of(dir, name, kSocket);
  std::error_code ignored;
  fs::remove(path, ignored);
  return os::listen_unix(path, 0600, os::SocketType::seqpacket);
}

os::Result<os::Fd> connect_to(const std::string& dir, const std::string& name) {
  return os::connect_unix(file_of(dir, name, kSocket), os::SocketType::seqpacket);
}

}  // namespace channel
