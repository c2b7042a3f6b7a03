#include "audit/record.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "audit/actions.h"
#include "audit/json_text.h"
#include "os/text.h"

namespace audit {
namespace {

using nlohmann::json;

bool one_object_in_one_line(std::string_view data) {
  const auto raw_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  return !data.empty() && data.front() == '{' &&
         std::none_of(data.begin(), data.end(), raw_control) && json::accept(data);
}

// The number at `pointer`, 0 where there is none.
std::uint64_t number_at(const json& line, const char* pointer) {
  const json::json_pointer place(pointer);
  if (!line.contains(place)) return 0;
  const json& value = line.at(place);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  out.append(width - std::min(width, digits.size()), '0').append(digits);
}

// `2026-11-24T21:42:03.123456Z`. Days to a date by the civil calendar's 400-year cycle, with years
// that start in March; gmtime_r would read the time zone files.
void append_time(std::string& out, std::int64_t time_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kDay = 86'400;
  const std::int64_t seconds = time_ns / kSecond;
  const std::int64_t days = seconds / kDay + 719'468;  // since the first of March of year 0
  const std::int64_t era = days / 146'097;
  const std::int64_t day_of_era = days % 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t march_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  append_padded(out, era * 400 + year_of_era + (month <= 2 ? 1 : 0), 4);
  append_padded(out += '-', month, 2);
  append_padded(out += '-', day_of_year - (153 * march_month + 2) / 5 + 1, 2);
  append_padded(out += 'T', seconds % kDay / 3600, 2);
  append_padded(out += ':', seconds % 3600 / 60, 2);
  append_padded(out += ':', seconds % 60, 2);
  append_padded(out += '.', time_ns % kSecond / 1000, 6);
  out += 'Z';
}

}  // namespace

std::string make_message(const RecordHeader& header, std::string_view action,
                         std::string_view data) {
  std::string message;
  message.reserve(sizeof header + action.size() + data.size());
  message.append(reinterpret_cast<const char*>(&header), sizeof header);
  message.append(action).append(data);
  return message;
}

os::Result<RecordView> read_message(std::string_view message) {
  RecordView view{};
  if (message.size() < sizeof view.header) return os::Error{EBADMSG, "read a short message"};
  std::memcpy(&view.header, message.data(), sizeof view.header);
  message.remove_prefix(sizeof view.header);
  if (view.header.kind == RecordKind::finish) return view;
  if (view.header.kind != RecordKind::event || view.header.action_bytes > message.size() ||
      view.header.time_ns < 0) {
    return os::Error{EBADMSG, "read a message's header"};
  }
  view.action = message.substr(0, view.header.action_bytes);
  view.data = message.substr(view.header.action_bytes);
  if (find_action(view.action) == nullptr) return os::Error{EBADMSG, "read an unknown action"};
  if (!one_object_in_one_line(view.data)) return os::Error{EBADMSG, "read a message's data"};
  return view;
}

std::uint64_t number_of(std::string_view message) {
  RecordHeader header{};
  if (message.size() < sizeof header) return 0;
  std::memcpy(&header, message.data(), sizeof header);
  return header.number;
}

std::string make_line(const Stamp& stamp, std::string_view action, std::string_view data) {
  const std::string seq = std::to_string(stamp.seq);
  std::string line;
  line.reserve(512 + data.size());
  line += R"({"specversion":"1.0","id":)";
  append_json_string(line, os::join(stamp.session, '.', seq));
  line += R"(,"source":"/coding-agents/container","type":)";
  append_json_string(line, os::join("io.coding-agents.", action));
  line += R"(,"subject":)";
  append_json_string(line, os::join("session/", stamp.session));
  line += R"(,"time":")";
  append_time(line, stamp.time_ns);
  line += R"(","datacontenttype":"application/json","seq":)";
  line += seq;
  line += R"(,"senderpid":)" + std::to_string(stamp.sender_pid);
  line += R"(,"senderuid":)" + std::to_string(stamp.sender_uid);
  line += R"(,"number":)" + std::to_string(stamp.number);
  line += R"(,"data":)";
  line.append(data) += "}\n";
  return line;
}

os::Result<LastLine> read_line(std::string_view line) {
  const json parsed = json::parse(line, nullptr, false);
  LastLine last;
  last.seq = number_at(parsed, "/seq");
  if (!parsed.is_object() || last.seq == 0) return os::Error{EBADMSG, "read the log's last line"};
  last.number = number_at(parsed, "/number");
  last.sender_pid = static_cast<pid_t>(number_at(parsed, "/senderpid"));
  last.dropped = number_at(parsed, "/data/audit/dropped_total");
  last.refused = number_at(parsed, "/data/audit/refused_total");
  return last;
}

}  // namespace audit
