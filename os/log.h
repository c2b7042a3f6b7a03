// Lines for a person on stderr. Writing never blocks: what cannot be written at once is counted.
#pragma once

#include <string_view>

namespace os {

/// The word in front of each line, `agent-init` at first; stays valid as long as it is used.
void set_log_name(const char* name);

/// From now on note() prints too.
void set_log_verbose(bool on);

/// Prints `NAME: line`, for a problem. Control bytes are made visible. Lines that were dropped
/// because stderr was full are counted in the next one.
void report(std::string_view line);

/// The same for what only a person who asked with --verbose wants to know.
void note(std::string_view line);

}  // namespace os
