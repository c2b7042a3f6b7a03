// The caller's controlling terminal, inside the sandbox.
//
// A terminal cannot have two sessions, so commands get one of their own: a pty with the same modes
// and size. For all commands of one of the CLI's terminals there is one keeper, the first of their
// parked sandboxes: it leads the pty's session, forks for each further command, and carries bytes,
// modes and sizes over. Their process groups are in there what they are among the callers, so that
// a shell's pipelines, ^C, ^Z, fg and bg mean the same.
#pragma once

#include "runner/sandbox.h"

namespace runner::sandbox {

enum class Seat {
  plain,  // the descriptors pass as they are
  taken,  // this process serves `command`, on the keeper's terminal
  moved,  // another process serves it
  none,   // no terminal can be made: the command must not start
};

/// Finds the keeper of the terminal of `command`, or becomes it. For a process that becomes it, and
/// for each command that later moves to it, this returns `taken` in a child, with the command in
/// `command`, its job's socket in `job_socket` and its line to the keeper in `link`.
Seat take_seat(int& job_socket, Command& command, int& link);

/// Puts the keeper's pty in place of every descriptor of the terminal, and learns from the keeper
/// which process group to join.
void enter_terminal(int link, Command& command);

/// To the keeper: the command is in process group `group`; its main process stopped or ended (by
/// `signal`, or 0), the caller came to the foreground or left it; the terminal has another size.
/// The keeper answers when all output is where the caller's reader finds it and the terminal has
/// the modes that the command left. `to_relay`: notes that wait no longer. The answer is true if
/// others of the caller's process group must stop with it.
void tell_started(int link, pid_t group);
bool tell_stopped(int link, int signal, int to_relay);
void tell_ended(int link, int signal, int to_relay);
void tell_foreground(int link, bool foreground, int to_relay);
void tell_size(int link);

/// True for a signal that the person typed, as the relay of another command has passed it to the
/// callers' process group: this command has had it from the pty.
bool was_typed(int link, const Note& signal, int to_relay);

/// Passes what the keeper says unasked to the relay. False: the keeper is gone.
bool follow_keeper(int link, int to_relay);

}  // namespace runner::sandbox
