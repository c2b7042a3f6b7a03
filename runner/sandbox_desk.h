// Where agent-sandbox tells parked sandboxes who serves a terminal; see runner/terminal.h.
#pragma once

namespace runner::sandbox {

/// Makes the sockets kDesk and kDeskEnd, once, before the first fork. 0 or an errno value.
int open_desk();

/// Answers one SeatRequest from kDeskEnd, or hands it to the keeper it is meant for.
void give_seat();

}  // namespace runner::sandbox
