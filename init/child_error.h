// How a child tells PID 1 which step failed before its exec: over a pipe that the exec closes.
#pragma once

#include <optional>

#include "os/result.h"

namespace init {

/// Writes the error to the pipe; what cannot be written is lost.
void send_error(int pipe, const os::Error& error);

/// Waits for the pipe's end. Nothing: the child has exec'ed.
std::optional<os::Error> await_error(int pipe);

}  // namespace init
