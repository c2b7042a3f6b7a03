// A record on its way: the message a sender sends, and the line agent-auditd makes of it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "os/result.h"
#include "os/socket.h"

namespace audit {

enum class RecordKind : std::uint32_t {
  event = 0x41455631,   // "AEV1"
  finish = 0x41464e31,  // "AFN1": the last message of a session; no more than the header
};

/// Starts every message; the action and its `data` object follow.
struct RecordHeader {
  RecordKind kind;
  std::uint32_t action_bytes;
  std::uint64_t number;  // of SharedState::next_number
  std::int64_t time_ns;
};

/// No message is longer; action and data are bounded by their makers.
inline constexpr std::size_t kMaxMessage = std::size_t{16} * 1024;
/// No line is longer.
inline constexpr std::size_t kMaxLine = std::size_t{17} * 1024;

std::string make_message(const RecordHeader& header, std::string_view action,
                         std::string_view data);

/// A message taken apart; the views point into it.
struct RecordView {
  RecordHeader header;
  std::string_view action;
  std::string_view data;
};

/// EBADMSG unless the message is a finish, or an event of a known action whose data is one valid
/// JSON object without raw control characters.
os::Result<RecordView> read_message(std::string_view message);

/// The number in the message's header, 0 where there is none.
std::uint64_t number_of(std::string_view message);

/// Everything a line says besides the action and the data.
struct Stamp {
  std::string_view session;
  std::uint64_t seq = 0;
  std::int64_t time_ns = 0;
  std::uint64_t number = 0;
  pid_t sender_pid = 0;
  uid_t sender_uid = 0;
};

/// The line with its newline: a CloudEvents 1.0 envelope. `seq` counts the lines of the log from 1
/// on; a chain over the raw lines (`prev`) has its place beside it.
std::string make_line(const Stamp& stamp, std::string_view action, std::string_view data);

/// What a new incarnation needs of the last line.
struct LastLine {
  std::uint64_t seq = 0;
  std::uint64_t number = 0;
  pid_t sender_pid = 0;
  std::uint64_t dropped = 0;  // of events-dropped: the totals it reports
  std::uint64_t refused = 0;
};

/// EBADMSG when the line is not one of make_line().
os::Result<LastLine> read_line(std::string_view line);

}  // namespace audit
