// The relay's life, shared by agent-relay and agent-task-run.
#pragma once

/// Sends every open descriptor but `socket` to the sandbox at its other end, closes them, and ends
/// as the command ends. All signals must be blocked. Needs no libc.
extern "C" [[noreturn]] void relay_main(int socket);
