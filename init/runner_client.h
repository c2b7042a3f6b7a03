// supervisorctl: asks a session's runner and prints what it says.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "os/result.h"
#include "runner/protocol.h"

namespace init {

/// Sends one frame to the runner's socket at `path` and gives its answer: of kind `text` or
/// `refused`. EAGAIN: none within seconds.
os::Result<runner::Frame> ask_runner(const std::string& path, const runner::Frame& request);

/// The open questions and the tasks as a person reads them, from the runner's JSON. They hold what
/// a hostile program chose: whatever is in them, the lines are printable ASCII. EPROTO: no such
/// JSON.
os::Result<std::string> asks_text(std::string_view json);
os::Result<std::string> tasks_text(std::string_view json);

/// `1 question open (supervisorctl asks)` and a newline; empty for none.
std::string questions_line(std::size_t open);

/// How many elements a list has; nothing if it is none.
std::optional<std::size_t> count_of(std::string_view json);

/// The same list in one line of ASCII.
os::Result<std::string> plain_json(std::string_view json);

}  // namespace init
