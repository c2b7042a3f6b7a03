// agent-relay: what a trapped caller becomes. It hands its descriptors to the sandbox, then stands
// in for the command: forwards signals, stops and continues with it, ends as it ends.
//
// Freestanding: a libc would cost more than the whole redirect. Nothing here comes from argv or the
// environment. All signals are blocked on entry.

#include "runner/relay.h"

#include <asm/ioctls.h>
#include <asm/stat.h>
#include <asm/termbits.h>
#include <asm/unistd.h>
#include <linux/signalfd.h>
#include <linux/time_types.h>

#include "runner/relay_kernel.h"
#include "runner/sandbox_protocol.h"

namespace {

using runner::Action;
using runner::Buffer;
using runner::ControlMessage;
using runner::DirectoryEntry;
using runner::FileSystem;
using runner::MessageHeader;
using runner::PollEntry;
using runner::UnixAddress;

constexpr int kPipeFs = 0x50495045;
constexpr unsigned kTypeMask = 0170000;
constexpr unsigned kFifo = 0010000;
constexpr unsigned kForAll = 0666;
constexpr int kSigKill = 9;
constexpr int kSigCont = 18;
constexpr int kSignals = 64;
constexpr long kConnectionReset = -104;
constexpr long kTooManyReferences = -109;
constexpr int kNoSignal = 0x4000;    // MSG_NOSIGNAL
constexpr int kDirectory = 0x90000;  // O_DIRECTORY | O_CLOEXEC
constexpr int kCloseOnExec = 0x80000;
constexpr int kSeqpacket = 5 | kCloseOnExec;
constexpr int kAlone = 0x80902;    // O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
constexpr long kInputOutput = -5;  // EIO
constexpr int kPollIn = 1;
constexpr int kFiles = 7;  // RLIMIT_NOFILE
constexpr int kTried = 64;
constexpr int kMostWithoutProc = 4096;
constexpr unsigned long kAllSignals = ~0UL;

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  long result = 0;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#ifdef __clang_analyzer__
template <class T>
void may_be_written(T* object);
#endif

template <class T>
long at(T* object) {
#ifdef __clang_analyzer__
  may_be_written(object);  // it does not know that system calls write
#endif
  return reinterpret_cast<long>(object);
}

void default_action(int signal) {
  Action action = {0, 0, 0, 0};
  call(__NR_rt_sigaction, signal, at(&action), 0, sizeof(unsigned long));
}

void raise_now(int signal) {
  default_action(signal);
  unsigned long all_but = ~(1UL << (signal - 1));
  unsigned long all = kAllSignals;
  // Sent while it is blocked: it may be pending already, and must not come twice.
  call(__NR_kill, call(__NR_getpid), signal);
  call(__NR_rt_sigprocmask, 2, at(&all_but), 0, sizeof all_but);
  call(__NR_rt_sigprocmask, 2, at(&all), 0, sizeof all);
}

// The caller's controlling terminal, if one of its standard descriptors is it. Not a global: a
// program without data has a page less to map and to copy at every exec.
struct Terminal {
  int fd = -1;
  bool foreground = false;
  termios modes;  // as they were
};
// A process in the background gets EIO while it blocks SIGTTIN, and nobody is kept waiting for
// nothing. Process group ids say less: those outside the pid namespace are all 0.
bool in_foreground(const Terminal& terminal) {
  char nothing = 0;
  return call(__NR_read, terminal.fd, at(&nothing), 0) != kInputOutput;
}

// The sandbox is gone and with it the command's status: SIGKILL is the only honest answer.
[[noreturn]] void die() {
  for (;;) call(__NR_kill, call(__NR_getpid), kSigKill);
}

// What the keeper of the terminal would have put back.
void put_modes_back(Terminal& terminal) {
  if (terminal.fd < 0 || !in_foreground(terminal)) return;
  call(__NR_ioctl, terminal.fd, TCSETS, at(&terminal.modes));
}

[[noreturn]] void end_as(int status) {
  const int signal = status & 0x7f;
  if (signal == 0) {
    for (;;) call(__NR_exit_group, (status >> 8) & 0xff);
  }
  unsigned long no_core[2] = {0, 0};
  call(__NR_setrlimit, 4, at(no_core));
  raise_now(signal);
  for (;;) call(__NR_exit_group, 128 + signal);
}

// A pipe made by agentcli could not be opened again by agentuser (`>/dev/stderr`, `<(…)`).
void make_reopenable(int fd) {
  struct stat info;
  FileSystem system;
  if (call(__NR_fstat, fd, at(&info)) != 0 || (info.st_mode & kTypeMask) != kFifo) return;
  if ((info.st_mode & kForAll) == kForAll) return;
  if (call(__NR_fstatfs, fd, at(&system)) != 0 || system.type != kPipeFs) return;
  call(__NR_fchmod, fd, kForAll);
}

// A caller with a low RLIMIT_NOFILE may have to wait until other descriptors of its user have
// arrived: unix(7), ETOOMANYREFS. Natively an exec does not depend on that.
void send_in_time(int socket, const MessageHeader& message) {
  long sent = 0;
  for (int tries = 0; tries < 10000; ++tries) {
    sent = call(__NR_sendmsg, socket, at(&message), kNoSignal);
    if (sent != kTooManyReferences) break;
    call(__NR_poll, 0, 0, 1);  // a millisecond
  }
  if (sent < 0) die();
}

void send_hello(int socket, runner::Hello& hello, bool more) {
  ControlMessage control;
  control.size = 16 + sizeof(int) * hello.count;
  control.level = 1;  // SOL_SOCKET
  control.type = 1;   // SCM_RIGHTS
  for (unsigned i = 0; i < hello.count; ++i) control.fds[i] = hello.numbers[i];
  hello.more = more ? 1 : 0;
  Buffer buffer = {&hello, sizeof hello};
  MessageHeader message = {nullptr, 0, &buffer, 1, nullptr, 0, 0};
  if (hello.count > 0) {
    message.control = &control;
    message.control_size = control.size;
  }
  send_in_time(socket, message);
  hello.count = 0;
}

void add_fd(int socket, runner::Hello& hello, int fd) {
  if (fd == socket) return;
  make_reopenable(fd);
  if (hello.count == runner::kHelloFds) send_hello(socket, hello, true);
  hello.numbers[hello.count++] = fd;
}

bool is_open(int fd) { return call(__NR_fcntl, fd, 1) >= 0; }  // F_GETFD

// How many descriptors are open: the size of that directory since Linux 6.2, 0 before.
long count_descriptors() {
  struct stat info;
  return call(__NR_stat, at("/proc/self/fd"), at(&info)) == 0 ? info.st_size : 0;
}

// The descriptor that an entry of /proc/self/fd names; -1: none, as `.` and `..`.
int descriptor_of(const char* name) {
  int fd = 0;
  const char* digit = name;
  for (; *digit >= '0' && *digit <= '9'; ++digit) fd = fd * 10 + (*digit - '0');
  return digit == name ? -1 : fd;
}

void add_listed(int socket, runner::Hello& hello, int directory, int first) {
  char entries[4096];
  for (long size = 0; (size = call(__NR_getdents64, directory, at(entries), sizeof entries)) > 0;) {
    for (long offset = 0; offset < size;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(entries + offset);
      offset += entry->size;
      const int fd = descriptor_of(entry->name);
      if (fd >= first && fd != directory) add_fd(socket, hello, fd);
    }
  }
}

// By construction the open descriptors are exactly those that were not close-on-exec. To list them
// takes a third of the relay's whole start; where their number is known, trying the low ones
// nearly always finds them all.
void send_descriptors(int socket, runner::Hello& hello) {
  long left = count_descriptors();
  int fd = 0;
  for (; left > 0 && fd < kTried; ++fd) {
    if (!is_open(fd)) continue;
    add_fd(socket, hello, fd);
    --left;
  }
  if (fd > 0 && left == 0) return send_hello(socket, hello, false);
  const int directory = static_cast<int>(call(__NR_open, at("/proc/self/fd"), kDirectory, 0));
  if (directory >= 0) {
    add_listed(socket, hello, directory, fd);
    call(__NR_close, directory);
  } else {
    for (; fd < kMostWithoutProc; ++fd) {
      if (is_open(fd)) add_fd(socket, hello, fd);
    }
  }
  send_hello(socket, hello, false);
}

// A master's ioctl answers for its slave: it is told by having a number of its own.
bool is_controlling_terminal(int fd) {
  int answer = 0;
  return call(__NR_ioctl, fd, TIOCGPGRP, at(&answer)) == 0 &&
         call(__NR_ioctl, fd, TIOCGPTN, at(&answer)) != 0;
}

// Opened anew, for reading and writing without waiting, which the caller's own must not become.
void find_terminal(Terminal& terminal) {
  for (int fd = 0; fd < 3; ++fd) {
    if (!is_controlling_terminal(fd)) continue;
    terminal.fd = static_cast<int>(call(__NR_open, at("/dev/tty"), kAlone, 0));
    break;
  }
  if (terminal.fd < 0) return;
  call(__NR_ioctl, terminal.fd, TCGETS, at(&terminal.modes));
  terminal.foreground = in_foreground(terminal);
}

unsigned long ignored_signals() {
  unsigned long ignored = 0;
  for (int signal = 1; signal <= kSignals; ++signal) {
    Action action;
    if (call(__NR_rt_sigaction, signal, 0, at(&action), sizeof(unsigned long)) == 0 &&
        action.handler == 1) {
      ignored |= 1UL << (signal - 1);
    }
  }
  return ignored;
}

// The runner's socket, to which the CLI's tree shows the way, gives this process its own.
int fetch_socket() {
  constexpr UnixAddress kRunner = {1, "/run/agent-task-runner.sock"};
  const long asked = call(__NR_socket, 1, kSeqpacket, 0);
  if (asked < 0 || call(__NR_connect, asked, at(&kRunner), sizeof kRunner) != 0) die();
  char word = 0;
  Buffer buffer = {&word, 1};
  ControlMessage control;
  MessageHeader message = {nullptr, 0, &buffer, 1, &control, 16 + sizeof(int), 0};
  if (call(__NR_recvmsg, asked, at(&message), 0) != 1 || message.control_size < 16 + sizeof(int))
    die();
  call(__NR_close, asked);
  return control.fds[0];
}

void send_note(int socket, int signal, unsigned source, int sender = 0) {
  runner::Note note = {runner::kNoteSignal, signal, source, sender};
  call(__NR_sendto, socket, at(&note), sizeof note, kNoSignal);
}

void look_at_foreground(int socket, Terminal& terminal) {
  if (terminal.fd < 0) return;
  const bool now = in_foreground(terminal);
  if (now == terminal.foreground) return;
  terminal.foreground = now;
  runner::Note note = {runner::kNoteForeground, now ? 1 : 0, runner::kFromProcess, 0};
  call(__NR_sendto, socket, at(&note), sizeof note, kNoSignal);
}

// Stops as the command did, and lets it go on when this process does. The SIGCONT itself tells
// nothing: in an orphaned process group the kernel ignores SIGTSTP and its like, and another ^Z
// takes back a SIGCONT that nobody has read yet.
void stop_as(int socket, Terminal& terminal, const runner::Note& stopped) {
  terminal.foreground = false;  // the sandbox has left it
  if (stopped.source == runner::kFromKernel) call(__NR_kill, 0, stopped.value);
  raise_now(stopped.value);
  const unsigned long continued = 1UL << (kSigCont - 1);
  __kernel_timespec now = {0, 0};
  call(__NR_rt_sigtimedwait, at(&continued), 0, at(&now), sizeof continued);
  look_at_foreground(socket, terminal);
  send_note(socket, kSigCont, runner::kFromProcess);
}

void forward_signal(int socket, Terminal& terminal, int signals) {
  signalfd_siginfo info;
  if (call(__NR_read, signals, at(&info), sizeof info) != sizeof info) return;
  const bool own = info.ssi_code <= 0 && info.ssi_pid == call(__NR_getpid);
  if (own) return;  // it was for the others of the group
  look_at_foreground(socket, terminal);
  send_note(socket, static_cast<int>(info.ssi_signo),
            info.ssi_code > 0 ? runner::kFromKernel : runner::kFromProcess,
            static_cast<int>(info.ssi_pid));
}

void follow_sandbox(int socket, Terminal& terminal) {
  runner::Note note;
  long size = call(__NR_recvfrom, socket, at(&note), sizeof note, 0);
  // AF_UNIX reports the reset before data that is still queued.
  if (size == kConnectionReset) size = call(__NR_recvfrom, socket, at(&note), sizeof note, 0);
  if (size != sizeof note) {
    put_modes_back(terminal);
    die();
  }
  if (note.kind == runner::kNoteExited) end_as(note.value);
  if (note.kind == runner::kNoteStopped) stop_as(socket, terminal, note);
  if (note.kind == runner::kNoteRaise) call(__NR_kill, 0, note.value);
}

// Closes all but the socket, and the terminal, which moves beside it. Held open here, a pipe's
// writing end would keep its reader waiting for ever.
void close_descriptors(int socket, Terminal& terminal) {
  int last = socket;
  if (terminal.fd >= 0) {
    if (terminal.fd == socket + 1) {
      last = terminal.fd;
    } else if (call(__NR_dup3, terminal.fd, socket + 1, kCloseOnExec) >= 0) {
      last = socket + 1;
    }
    terminal.fd = last == socket ? -1 : last;
  }
  if (socket > 0) call(__NR_close_range, 0, socket - 1, 0);
  call(__NR_close_range, last + 1, 0x7fffffff, 0);
}

// Nobody tells who comes to the foreground, or leaves it, unless it was stopped before.
int milliseconds_to_wait(const Terminal& terminal) {
  if (terminal.fd < 0) return -1;
  return terminal.foreground ? 1000 : 100;
}

}  // namespace

extern "C" [[noreturn]] void relay_main(int socket) {
  runner::Hello hello;
  hello.magic = runner::kHelloMagic;
  hello.count = 0;
  hello.nice = 20 - static_cast<int>(call(__NR_getpriority, 0, 0));
  for (unsigned word = 0; word < runner::kCpuWords; ++word) hello.cpus[word] = 0;
  call(__NR_sched_getaffinity, 0, sizeof hello.cpus, at(hello.cpus));
  hello.ignored = ignored_signals();
  hello.umask = static_cast<unsigned>(call(__NR_umask, 077));
  for (unsigned limit = 0; limit < runner::kLimits; ++limit) {
    call(__NR_prlimit64, 0, limit, 0, at(hello.limits[limit]));
  }
  // What the caller left free may not be enough for what is opened here.
  unsigned long widest[2] = {hello.limits[kFiles][1], hello.limits[kFiles][1]};
  call(__NR_prlimit64, 0, kFiles, at(widest), 0);
  if (socket == runner::kSocketToFetch) socket = fetch_socket();
  if (socket < 0) die();
  const long pid = call(__NR_getpid);
  hello.pid = static_cast<int>(pid);
  hello.group = static_cast<int>(call(__NR_getpgrp));
  hello.session = static_cast<int>(call(__NR_getsid, 0));
  hello.leads = (pid == hello.group ? runner::kLeadsGroup : 0U) |
                (pid == hello.session ? runner::kLeadsSession : 0U);
  Terminal terminal;
  find_terminal(terminal);
  hello.terminal = terminal.fd;
  hello.foreground = terminal.foreground ? 1 : 0;
  send_descriptors(socket, hello);
  close_descriptors(socket, terminal);

  unsigned long all = kAllSignals;
  const int signals =
      static_cast<int>(call(__NR_signalfd4, -1, at(&all), sizeof all, kCloseOnExec));
  for (;;) {
    PollEntry entries[2] = {{socket, kPollIn, 0}, {signals, kPollIn, 0}};
    if (call(__NR_poll, at(entries), 2, milliseconds_to_wait(terminal)) == 0)
      look_at_foreground(socket, terminal);
    if (entries[1].found != 0) forward_signal(socket, terminal, signals);
    if (entries[0].found != 0) follow_sandbox(socket, terminal);
  }
}
