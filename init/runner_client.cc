#include "init/runner_client.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "init/control_client.h"
#include "os/socket.h"
#include "os/text.h"

namespace init {
namespace {

using nlohmann::json;
using os::Error;
using os::join;
using os::Result;

constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::size_t kWidest = 4096;  // of one field; the runner's own bounds are lower

Result<json> list_in(std::string_view text) {
  json list = json::parse(text, nullptr, false);
  const bool good = list.is_array() && std::all_of(list.begin(), list.end(),
                                                   [](const json& one) { return one.is_object(); });
  if (!good) return Error{EPROTO, "read the runner's answer: not a list of objects"};
  return list;
}

std::string word(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "?";
  return os::printable(found->get_ref<const std::string&>(), kWidest);
}

// Whole and not negative; 0 for what is no number.
std::uint64_t number(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return 0;
  const auto value = found->get<double>();
  return value > 0 && value < 1e15 ? static_cast<std::uint64_t>(std::ceil(value)) : 0;
}

bool flag(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string cell(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 2, width), ' ');
  return text;
}

std::string question_text(const json& question) {
  return join(cell(std::to_string(number(question, "id")), 6), "rule ", word(question, "rule"),
              ", ", number(question, "seconds_left"), " s left\n",  //
              "      program  ", word(question, "program"), '\n',   //
              "      cwd      ", word(question, "cwd"), '\n',       //
              "      command  ", word(question, "command"), '\n');
}

std::string task_text(const json& task) {
  return join(cell(std::to_string(number(task, "id")), 8),
              cell(std::to_string(number(task, "pid")), 9),
              cell(uptime_text(number(task, "seconds") * 1000), 10), cell(word(task, "rule"), 16),
              flag(task, "lingering") ? "(in the background) " : "", word(task, "command"), '\n');
}

}  // namespace

Result<runner::Frame> ask_runner(const std::string& path, const runner::Frame& request) {
  const os::Fd socket = TRY(os::connect_unix(path, os::SocketType::seqpacket));
  TRY(os::set_timeouts(socket.get(), kPatience));
  TRY(runner::send_frame(socket.get(), request));
  const os::Message message = TRY_STEP(os::receive_message(socket.get(), runner::kMaxFrame),
                                       "wait for the runner's answer");
  if (message.end) return Error{EPROTO, "ask the runner: it closed the connection"};
  runner::Frame answer = TRY(runner::read_frame(message));
  if (answer.kind != runner::FrameKind::text && answer.kind != runner::FrameKind::refused) {
    return Error{EPROTO, "ask the runner: its answer is of another kind"};
  }
  return answer;
}

Result<std::string> asks_text(std::string_view json_text) {
  const json list = TRY(list_in(json_text));
  if (list.empty()) return std::string("no open question\n");
  std::string text;
  for (const json& question : list) text += question_text(question);
  return text;
}

Result<std::string> tasks_text(std::string_view json_text) {
  const json list = TRY(list_in(json_text));
  if (list.empty()) return std::string("no task runs\n");
  std::string text = "ID      PID      AGE       RULE            COMMAND\n";
  for (const json& task : list) text += task_text(task);
  return text;
}

std::string questions_line(std::size_t open) {
  if (open == 0) return "";
  return join(open, open == 1 ? " question" : " questions", " open (supervisorctl asks)\n");
}

std::optional<std::size_t> count_of(std::string_view json_text) {
  const auto list = list_in(json_text);
  if (!list.ok()) return std::nullopt;
  return list.value().size();
}

Result<std::string> plain_json(std::string_view json_text) {
  const json list = TRY(list_in(json_text));
  return list.dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace init
