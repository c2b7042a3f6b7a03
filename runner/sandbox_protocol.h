// Messages between the runner, the relay and agent-sandbox. Plain data: the relay has no libc.
#pragma once

#include <cstdint>

namespace runner {

// Every message starts with one of these, so that a mixed-up socket is noticed at once.
inline constexpr uint32_t kSetupMagic = 0x53455455;   // PID 1 → agent-sandbox, once
inline constexpr uint32_t kReadyMagic = 0x52454459;   // agent-sandbox → PID 1, once
inline constexpr uint32_t kParkMagic = 0x5041524b;    // runner → agent-sandbox
inline constexpr uint32_t kJobMagic = 0x4a4f4221;     // runner → parked sandbox
inline constexpr uint32_t kHelloMagic = 0x48454c4f;   // relay → parked sandbox
inline constexpr uint32_t kReportMagic = 0x52505254;  // sandbox → runner
inline constexpr uint32_t kSeatMagic = 0x53454154;    // parked sandbox → agent-sandbox
inline constexpr uint32_t kMoveMagic = 0x4d4f5645;    // parked sandbox → the keeper of a terminal

inline constexpr unsigned kHelloFds = 250;  // SCM_MAX_FD is 253
inline constexpr unsigned kLimits = 16;     // RLIM_NLIMITS
inline constexpr unsigned kCpuWords = 16;   // 1024 CPUs

inline constexpr unsigned kSandboxFilters = 4;

/// In place of its socket's number: the relay asks the runner for the socket.
inline constexpr int kSocketToFetch = -2;
/// In the CLI's tree, where engine trace is.
inline constexpr char kRelayPath[] = "/libexec/agent-relay";

/// First message to agent-sandbox, on fd 3. The filters follow, arrays of struct sock_filter:
/// index = (suid allowed ? 1 : 0) + (user namespaces allowed ? 2 : 0).
struct SandboxSetup {
  uint32_t magic;
  uint32_t uid;
  uint32_t gid;
  uint32_t filter_bytes[kSandboxFilters];
};

struct SandboxReady {
  uint32_t magic;
  uint32_t error;  // errno of the first step that failed, or 0
};

/// Asks for one parked sandbox; carries the socket its jobs come by, then the Landlock ruleset.
struct Park {
  uint32_t magic;
  uint32_t own_pid_namespace;  // 1: `pidns: command`
  uint32_t filter;             // index into SandboxSetup::filter_bytes
  uint32_t landlock;           // 1: a ruleset descriptor is the second one
  uint32_t profile;            // whose sandbox it is: a number that names one profile
};

enum JobKind : uint32_t { kJobRun = 0, kJobRefuse = 1 };

inline constexpr uint64_t kNoLimit = ~0ULL;

/// What to run; carries the sandbox's end of the relay's socket. The strings follow, each
/// NUL-ended: cwd, path, message, argv…, envp…; they lie in a memory file (the second descriptor)
/// when `in_memory_file` is set.
struct Job {
  uint32_t magic;
  uint32_t kind;
  uint32_t argc;
  uint32_t envc;
  uint64_t bytes;        // of all strings
  uint64_t signal_mask;  // of the caller before the exec
  uint64_t cwd_dev;      // of the caller's working directory; 0: do not compare
  uint64_t cwd_ino;
  uint32_t in_memory_file;
  uint32_t kill_at_exit;     // 1: background children die with the main process
  uint64_t wall_seconds;     // kNoLimit: none
  uint64_t rlimits[5];       // RLIMIT_CPU, AS, NPROC, NOFILE, FSIZE; kNoLimit: inherited
  uint64_t private_devs[8];  // filesystems whose files no command may be handed
  uint32_t private_dev_count;
  uint32_t secret_dev_count;  // the first of these also refuse write-only descriptors
  uint32_t asked_by_command;  // 1: what its relay tells is the word of a command
  uint32_t pad;
};

/// Asks agent-sandbox where the commands of a terminal are served; carries a socket by which the
/// answer comes, one SeatAnswer: from agent-sandbox, or from the keeper that the socket was given
/// to.
struct SeatRequest {
  uint32_t magic;
  uint32_t device;  // the terminal's number, TIOCGDEV
  int32_t session;  // of the callers
  uint32_t profile;
};
/// kSeatPlain: the command gets the terminal itself. kSeatNone: it must not, and nothing else can
/// be had.
enum SeatAnswer : uint32_t { kSeatKeeper = 1, kSeatMove = 2, kSeatPlain = 3, kSeatNone = 4 };

/// First message of a command that moves; carries its job's socket. Job and hello follow.
struct Move {
  uint32_t magic;
  uint32_t pad;
};

/// What the caller led; bits.
enum Leads : uint32_t { kLeadsGroup = 1, kLeadsSession = 2 };

/// The relay's facts; its descriptors travel with it, at most kHelloFds a message.
struct Hello {
  uint32_t magic;
  uint32_t count;  // descriptors in this message
  uint32_t more;   // 1: another Hello follows
  uint32_t umask;
  uint64_t ignored;  // bit n-1: signal n is ignored
  uint32_t leads;    // Leads
  int32_t nice;
  int32_t terminal;     // the descriptor that is the controlling terminal, opened anew; or -1
  uint32_t foreground;  // 1: the caller may read from it
  int32_t pid;          // the caller's, and its process group and session; 0 for those that
  int32_t group;        // are outside of its pid namespace
  int32_t session;
  uint64_t cpus[kCpuWords];     // CPU affinity; all zero: unknown
  uint64_t limits[kLimits][2];  // soft and hard, in the order of RLIMIT_*
  int32_t numbers[kHelloFds];
};

enum SignalSource : uint32_t { kFromKernel = 0, kFromProcess = 1 };

/// Relay → sandbox: a signal arrived; it came to, or left, its terminal's foreground. Sandbox →
/// relay: the main process stopped or ended; the terminal made a signal for the relay's group.
enum NoteKind : uint32_t {
  kNoteSignal = 1,
  kNoteStopped = 2,
  kNoteExited = 3,
  kNoteForeground = 4,
  kNoteRaise = 5,
};
struct Note {
  uint32_t kind;
  int32_t value;  // signal number, the wait status, or 1 for the foreground
  uint32_t
      source;      // SignalSource, for kNoteSignal; kNoteStopped: kFromKernel stops the whole group
  int32_t sender;  // kNoteSignal, kFromProcess: who sent it, as the relay sees it
};

enum ReportKind : uint32_t {
  kReportExited = 1,   // value: wait status; usage is filled
  kReportFd = 2,       // value: number of a descriptor that was withheld; detail: FdReason
  kReportTimeout = 3,  // value: seconds
  kReportFailed = 4,   // value: errno; detail: Step
  kReportStarted = 5,  // value: pid as agent-sandbox sees it
  kReportEmpty = 6,    // the last process of the job is gone; the sandbox is parked again
};
enum FdReason : uint32_t { kFdDirectory = 1, kFdPrivate, kFdProc, kFdKernelObject, kFdBeyondLimit };
enum Step : uint32_t {
  kStepNone = 0,
  kStepFds,
  kStepCwd,
  kStepLimits,
  kStepExec,
  kStepJob,
  kStepTerminal
};

struct Report {
  uint32_t magic;
  uint32_t kind;
  int64_t value;
  uint32_t detail;
  uint32_t pad;
  uint64_t user_us;
  uint64_t system_us;
  uint64_t max_rss_kb;
};

}  // namespace runner
