#include "init/control_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "init/runner_client.h"
#include "init/session_file.h"
#include "os/socket.h"
#include "os/text.h"

namespace init {
namespace {

using os::Error;
using os::join;
using os::Result;

constexpr int kRefused = 1;  // the exit codes of supervisord's client
constexpr int kUsage = 2;
constexpr int kNotRunning = 3;
constexpr int kNoSession = 4;
constexpr char kHelp[] =
    "Usage: supervisorctl [OPTIONS] COMMAND\n"
    "Says what a session's processes, protections and commands are doing, and answers its\n"
    "questions.\n\n"
    "  status                 processes, protections, mounts; whether a question is open\n"
    "  enforcement            protections and mounts\n"
    "  asks                   the questions that a policy's verdict `ask` has opened\n"
    "  answer ID allow|deny   answers one of them\n"
    "  tasks                  the commands that run, background ones too\n\n"
    "  --session NAME         that session; without it the container this runs in, or the only\n"
    "                         session on this machine\n"
    "  --json                 one line of JSON\n"
    "  --help                 this text\n\n"
    "Exit status: 0; 1 refused, as an answer to no open question; 2 wrong usage; 3 a process of\n"
    "`status` does not run; 4 no such session, or it does not answer.\n";

std::string_view state_name(ProcessState state) {
  switch (state) {
    case ProcessState::running:
      return "RUNNING";
    case ProcessState::backoff:
      return "BACKOFF";
    case ProcessState::stopping:
      return "STOPPING";
    case ProcessState::exited:
      return "EXITED";
  }
  return "UNKNOWN";
}

std::string padded(std::string_view text, std::size_t width) {
  std::string cell(text);
  cell.resize(std::max(cell.size(), width), ' ');
  return cell;
}

std::string two_digits(std::uint64_t number) {
  return number < 10 ? join('0', number) : std::to_string(number);
}

// The socket in this container, or that of a session seen from the host.
Result<std::string> find_socket(const std::string& session, const char* path) {
  std::error_code ignored;
  if (session.empty() && std::filesystem::exists(path, ignored)) return std::string(path);
  SessionProcess found;
  if (session.empty()) {
    const auto sessions = list_sessions();
    if (sessions.empty()) return Error{ENOENT, "find a session: none runs"};
    if (sessions.size() > 1) {
      std::string names;
      for (const SessionProcess& one : sessions) names += join(' ', one.name);
      return Error{EINVAL, join("choose a session: give --session with one of", names)};
    }
    found = sessions.front();
  } else {
    found = TRY(find_session(session));
  }
  return join("/proc/", found.pid, "/root", path);
}

struct Request {
  std::string session;
  std::string verb;
  bool json = false;
  std::vector<std::string_view> rest;  // the verb's own words
  std::uint64_t question = 0;          // of `answer`
};

bool is_good(Request& request) {
  constexpr std::array<std::string_view, 4> kVerbs{"status", "enforcement", "asks", "tasks"};
  const auto& rest = request.rest;
  if (request.verb != "answer") {
    return rest.empty() && std::find(kVerbs.begin(), kVerbs.end(), request.verb) != kVerbs.end();
  }
  if (request.json || rest.size() != 2 || (rest[1] != "allow" && rest[1] != "deny")) return false;
  const char* end = rest[0].data() + rest[0].size();
  const auto [at, error] = std::from_chars(rest[0].data(), end, request.question);
  return error == std::errc{} && at == end;
}

std::optional<Request> parse(std::span<char*> words) {
  Request request;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string_view word = words[at];
    if (word == "--session" && at + 1 < words.size()) {
      request.session = words[++at];
    } else if (word == "--json") {
      request.json = true;
    } else if (request.verb.empty()) {
      request.verb = word;
    } else {
      request.rest.push_back(word);
    }
  }
  if (!is_good(request)) return std::nullopt;
  return request;
}

int fail(int status, const Error& error) {
  std::cerr << "supervisorctl: " << error.text() << '\n';
  return status;
}

runner::Frame frame_for(const Request& request) {
  if (request.verb == "tasks") return {runner::FrameKind::jobs, 0, "", {}, {}};
  if (request.verb == "asks") return {runner::FrameKind::asks, 0, "", {}, {}};
  const bool yes = request.rest[1] == "allow";
  return {runner::FrameKind::answer, request.question, yes ? "yes" : "no", {}, {}};
}

// What `asks`, `tasks` and `answer` print on success.
Result<std::string> words_for(const Request& request, const std::string& answer) {
  if (request.verb == "answer") return std::string();
  if (request.json) return join(TRY(plain_json(answer)), '\n');
  return request.verb == "tasks" ? tasks_text(answer) : asks_text(answer);
}

int talk_to_runner(const Request& request) {
  const auto path = find_socket(request.session, runner::kSocketPath);
  if (!path.ok()) return fail(kNoSession, path.error());
  const auto answer = ask_runner(path.value(), frame_for(request));
  if (!answer.ok()) return fail(kNoSession, answer.error());
  if (answer.value().kind == runner::FrameKind::refused) {
    std::cerr << "supervisorctl: " << os::printable(answer.value().text) << '\n';
    return kRefused;
  }
  const auto words = words_for(request, answer.value().text);
  if (!words.ok()) return fail(kNoSession, words.error());
  std::cout << words.value();
  return 0;
}

// The runner is asked beside PID 1, which knows nothing of questions. One that cannot answer now
// has none open.
std::size_t open_questions(const std::string& session) {
  const auto path = find_socket(session, runner::kSocketPath);
  if (!path.ok()) return 0;
  const auto answer = ask_runner(path.value(), {runner::FrameKind::asks, 0, "", {}, {}});
  return answer.ok() ? count_of(answer.value().text).value_or(0) : 0;
}

}  // namespace

Result<std::vector<ControlRecord>> ask_status(const std::string& path) {
  const os::Fd socket = TRY(os::connect_unix(path, os::SocketType::seqpacket));
  const ControlRequest request;
  TRY(os::send_message(socket.get(),
                       std::string_view(reinterpret_cast<const char*>(&request), sizeof request)));
  std::vector<ControlRecord> records;
  for (;;) {
    const os::Message message = TRY(os::receive_message(socket.get(), 4096));
    if (message.end) return Error{EPROTO, "ask PID 1: it closed the connection"};
    ControlRecord record;
    if (message.bytes.size() < sizeof record.magic + sizeof record.version) {
      return Error{EPROTO, "ask PID 1: an answer is too short"};
    }
    std::memcpy(&record, message.bytes.data(), std::min(message.bytes.size(), sizeof record));
    if (record.version != kControlVersion || message.bytes.size() != sizeof record) {
      return Error{EPROTO, join("ask PID 1: it speaks version ", record.version,
                                " of the control protocol, this is version ", kControlVersion)};
    }
    if (record.kind == RecordKind::end) return records;
    records.push_back(record);
  }
}

std::string uptime_text(std::uint64_t milliseconds) {
  const std::uint64_t seconds = milliseconds / 1000;
  const std::uint64_t days = seconds / 86400;
  std::string text;
  if (days != 0) text = join(days, days == 1 ? " day, " : " days, ");
  return join(text, seconds / 3600 % 24, ':', two_digits(seconds / 60 % 60), ':',
              two_digits(seconds % 60));
}

std::string status_text(const std::vector<ControlRecord>& records) {
  std::size_t width = 30;
  for (const ControlRecord& record : records) {
    if (record.kind == RecordKind::process) width = std::max(width, record.name_text().size());
  }
  std::string text;
  for (const ControlRecord& record : records) {
    if (record.kind != RecordKind::process) continue;
    text += join(padded(record.name_text(), width + 3), padded(state_name(record.state), 10));
    if (record.state == ProcessState::running) {
      text += join("pid ", record.pid, ", uptime ", uptime_text(record.uptime_ms));
    }
    text += '\n';
  }
  return join(text, '\n', enforcement_text(records));
}

std::string enforcement_text(const std::vector<ControlRecord>& records) {
  std::string text;
  for (const ControlRecord& record : records) {
    if (record.kind == RecordKind::process) continue;
    text += join(padded(record.name_text(), 33), record.value_text(), '\n');
  }
  return text;
}

std::string status_json(const std::vector<ControlRecord>& records) {
  nlohmann::json json{{"processes", nlohmann::json::array()},
                      {"enforcement", nlohmann::json::object()},
                      {"mounts", nlohmann::json::object()}};
  for (const ControlRecord& record : records) {
    const std::string name(record.name_text());
    if (record.kind == RecordKind::process) {
      json["processes"].push_back({{"name", name},
                                   {"state", static_cast<unsigned>(record.state)},
                                   {"statename", state_name(record.state)},
                                   {"pid", record.pid},
                                   {"restarts", record.restarts},
                                   {"uptime_ms", record.uptime_ms}});
    } else {
      const bool protection = record.kind == RecordKind::protection;
      json[protection ? "enforcement" : "mounts"][name] = record.value_text();
    }
  }
  return json.dump();
}

int supervisorctl(std::span<char*> words) {
  if (words.size() == 1 && std::string_view(words[0]) == "--help") {
    std::cout << kHelp;
    return 0;
  }
  const auto request = parse(words);
  if (!request) {
    std::cerr << kHelp;
    return kUsage;
  }
  if (request->verb != "status" && request->verb != "enforcement") return talk_to_runner(*request);
  const auto path = find_socket(request->session, kControlSocket);
  const auto records = path.ok() ? ask_status(path.value()) : path.error();
  if (!records.ok()) return fail(kNoSession, records.error());
  if (request->json) {
    std::cout << status_json(records.value()) << '\n';
  } else if (request->verb == "enforcement") {
    std::cout << enforcement_text(records.value());
  } else {
    std::cout << status_text(records.value()) << questions_line(open_questions(request->session));
  }
  const auto stands_still = [](const ControlRecord& record) {
    return record.kind == RecordKind::process && record.state != ProcessState::running;
  };
  const bool all_run = std::none_of(records.value().begin(), records.value().end(), stands_still);
  return all_run || request->verb == "enforcement" ? 0 : kNotRunning;
}

}  // namespace init
