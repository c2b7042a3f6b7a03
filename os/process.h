// Small facts about this process and others: its stdio, its name, what it becomes by exec.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "os/result.h"

namespace os {

/// True for effective uid 0.
bool is_root();

/// True for the first process of a pid namespace.
bool is_init();

/// Stops this process as ^Z does, until somebody continues it.
void stop_self();

/// Which of the descriptors 0, 1, 2 a process was started without; bit n: descriptor n.
using ClosedStdio = unsigned;

/// Opens /dev/null under every number of 0, 1, 2 that is closed, so that no descriptor of ours can
/// get such a number. To be called before anything is opened.
ClosedStdio hold_stdio();

/// Closes again what hold_stdio() opened: for a program that shall see what its caller gave.
void drop_held_stdio(ClosedStdio closed);

/// Lets other users open the pipes among these descriptors anew (`>/dev/stderr`, /dev/stdin).
/// Whoever does needs the pipe as a descriptor already: nobody gains anything else.
void make_reopenable(std::span<const int> descriptors);

/// Puts /dev/null on these descriptors.
Status silence(std::span<const int> descriptors);

/// The name that ps and /proc/PID/comm show, at most 15 bytes of it.
void set_process_name(const char* name);

/// A new session without terminal; setsid(2). EPERM for the leader of a process group.
Status leave_terminal();

Status change_directory(const std::string& path);

/// True when this process may execute the regular file at `path`, as access(2) tells with its
/// effective identity.
bool may_execute(const std::string& path);

/// The same for reading an open file, which may be O_PATH.
bool may_read(int file);

/// The first bytes of a file, at most `size`, whatever its read offset.
Result<std::string> read_head(int fd, std::size_t size);

/// Gives `fd` the number `number` as well, kept over an exec; dup2(2).
Status place_descriptor(int fd, int number);

/// Closes every descriptor from 3 on that is not in `keep`.
void close_others(std::vector<int> keep);

/// Becomes the program; returns only the error. execve(2).
Error exec_path(const std::string& path, const std::vector<std::string>& argv,
                const std::vector<std::string>& env);

/// The same for an open file, which must be a binary; execveat(2).
Error exec_file(int file, const std::vector<std::string>& argv,
                const std::vector<std::string>& env);

/// When the process was started, in clock ticks since boot: with its pid it names one process for
/// ever. ESRCH when there is none.
Result<std::uint64_t> start_time(pid_t pid);

/// The path of the running program.
Result<std::string> own_program();

/// The environment of this process.
std::vector<std::string> environment();

/// A random number from the kernel, as `digits` hexadecimal digits (at most 32).
Result<std::string> random_hex(std::size_t digits);

/// Gives freed memory back to the kernel.
void trim_memory();

/// Reads `fd` to its end into one buffer: no copy is left in freed memory. EFBIG above `limit`.
Result<std::string> read_sensitive(int fd, std::size_t limit);

/// The same for the next `size` bytes and not one more. EPIPE: they end before.
Result<std::string> read_sensitive_exactly(int fd, std::size_t size);

/// Overwrites bytes in a way that no compiler leaves out.
void wipe(std::string& bytes);

}  // namespace os
