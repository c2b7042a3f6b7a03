// agent-session: the host's end of sessions in containers.
#include <cstddef>
#include <span>

#include "channel/session_command.h"
#include "os/log.h"
#include "os/process.h"
#include "os/signals.h"

int main(int argc, char** argv) {
  os::block_all_signals();
  os::hold_stdio();
  os::set_log_name("agent-session");
  return channel::session_command(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
}
