// What `docker exec` runs in a session's container for somebody on the host.
#pragma once

#include <string_view>

namespace init {

/// Joins this process's terminal with the CLI's until one of them ends. The CLI lives on. `size`,
/// "ROWSxCOLUMNS" or nothing, counts where the terminal says that it has none: an engine sets it a
/// moment later. Returns one of channel::kAttach….
int attach_command(std::string_view size);

/// Hands descriptors 0 and 1 to the session as its connection to the host, and stays until that is
/// used no more.
int channel_command();

}  // namespace init
