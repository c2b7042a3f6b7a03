// A pty that stands for a terminal: bytes, modes and size go over. One for each keeper of
// runner/terminal_keeper.h; static memory.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstddef>

namespace runner::sandbox {

/// Makes the pty that stands for `terminal`, which is then the bridge's, with its modes and size,
/// and a session on it. False: there is none to be had.
bool open_pty(int terminal);

/// Opens the pty once more, with the access mode and status flags `flags`. -1 if that fails.
int open_slave(int flags);

/// Closes the bridge's own descriptors, in a child.
void leave_bridge();

/// The terminal is the pty's: raw, and what is typed goes over. Once, until leave_raw().
void enter_raw();

/// The terminal gets the modes that commands left, as if they had set them there; who reads the pty
/// now is stopped, as in any background.
void leave_raw();

/// Gives the pty the terminal's size; those in its foreground get SIGWINCH if it is another.
void copy_size();

/// Makes `group` the pty's foreground, or tells which one is.
void set_foreground_group(pid_t group);
pid_t foreground_group();

/// What was written before now, to where the caller's reader finds it. `wait`: as the command
/// itself would have waited for a terminal that takes nothing; one that was killed does not wait.
void drain(bool wait);

/// True when nothing is on its way to the terminal.
bool drained();

/// What to poll, two entries, and one round of bytes in each direction after it. Gives the signals
/// that were typed (^C is SIGINT) as bits, bit n-1 for signal n.
inline constexpr nfds_t kBridgeEntries = 2;
void prepare(pollfd* entries);
unsigned long carry(const pollfd* entries);

}  // namespace runner::sandbox
