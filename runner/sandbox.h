// The parts of agent-sandbox: pid 1 of the sandbox's pid namespace and the parked sandboxes it
// forks. Static, small, no allocation: what is copied at fork and torn down at exec must be little.
//
// agent-sandbox is the one program of ours that lives inside the task tree. It calls the kernel
// itself (os/ allocates when it reports an error, which is forbidden between vfork and exec).
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "runner/sandbox_protocol.h"

namespace runner::sandbox {

inline constexpr int kSocket = 3;     // agent-sandbox's own, given by PID 1
inline constexpr int kDesk = 4;       // where parked sandboxes ask agent-sandbox for a seat
inline constexpr int kDeskEnd = 5;    // its other end
inline constexpr int kMaxFds = 4096;  // descriptors one command may inherit
inline constexpr int kNoStep = 0;

/// A descriptor of the caller and the number the command finds it under.
struct PassedFd {
  int fd;
  int number;
};

/// One command, from hand-over to exec. Lives in static memory of the parked sandbox.
struct Command {
  Job job;
  Hello hello;  // of the last message: its facts are the same in all
  int fd_count;
  PassedFd fds[kMaxFds];
  const char* cwd;
  const char* path;
  const char* message;
  char** argv;
  char** envp;
  int cwd_fd;
  int relay_socket;
  int memory_file;            // which the job came in, or -1
  void* strings;              // mapped from it, else nullptr
  std::size_t table_bytes;    // mapped for argv and envp
  std::size_t message_bytes;  // of the job, as it was received
  pid_t group;                // the process group to join; 0: its own
  int terminal;               // the keeper's pty, or -1
};

/// Before the first command.
void note_own_limits();

/// Reads a job from `job_socket`, and the relay's hello from the socket that comes with it, into
/// `command`. False: the runner or the relay went away, or spoke nonsense; nothing may be started.
bool receive_command(int job_socket, Command& command);

/// Gives `command`, just received, to another process of this program; receive_moved() takes it.
bool send_moved(int socket, int job_socket, const Command& command);
bool receive_moved(int socket, int& job_socket, Command& command);

/// Closes what came with the command, and gives back what its strings were kept in.
void close_descriptors(Command& command);
void forget_strings(Command& command);

/// Replaces, or withholds, the descriptors that would lead out of the sandbox: directories and
/// O_PATH ones, those of private filesystems, of another /proc, pidfds, seccomp listeners.
/// Each withheld one is reported on `job_socket`.
void vet_descriptors(int job_socket, Command& command);

/// Opens the caller's working directory inside the tree into command.cwd_fd and compares it.
/// 0 or an errno value.
int open_working_directory(Command& command);

/// After vfork: becomes the command. Returns only on failure, with `step` set; the errno value.
/// Async-signal-safe; the memory is the parent's.
int exec_command(const Command& command, int& step);

/// Whose sandbox this is, and what was asked for.
extern Park parked_as;

/// The parked sandbox's life; ends the process. Without a pid namespace of its own it is parked
/// again once a command has left nothing behind: no command can change its mount namespace, and
/// forking it, copying that namespace and loading the filter are a third of what an exec costs.
[[noreturn]] void live(int job_socket);

/// Sends one report; a runner that is gone does not matter.
void report(int job_socket, ReportKind kind, std::int64_t value, std::uint32_t detail = 0);

/// Kills and reaps every process of this sandbox, those of `group` first.
void kill_everything(pid_t group);

/// To the children of this process; once a command has ended, what it left behind is among them.
void signal_children(int signal);

}  // namespace runner::sandbox
