// The parked sandbox after its command has started: subreaper of the command's processes, mirror of
// its signals, stops and end; see runner/sandbox.h.

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "runner/sandbox.h"
#include "runner/terminal.h"

namespace runner::sandbox {

void report(int job_socket, ReportKind kind, std::int64_t value, std::uint32_t detail) {
  Report message{};
  message.magic = kReportMagic;
  message.kind = kind;
  message.value = value;
  message.detail = detail;
  ::send(job_socket, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

namespace {

constexpr int kExitRefused = 126;
constexpr int kExitNotFound = 127;
constexpr long kGraceSeconds = 2;  // between SIGTERM and SIGKILL of a command that ran out of time

// What the parked sandbox knows of its running command.
struct Life {
  int job_socket;
  int relay_socket = -1;
  int signals;
  int timer = -1;
  int last_words = -1;  // the command's stderr, kept only to name a time-out
  int keeper = -1;      // the line to the keeper of the command's terminal
  pid_t main = 0;
  pid_t group = 0;  // of the main process
  bool own_pid_namespace;
  bool ended = false;        // the main process has
  bool out_of_time = false;  // when the timer ends, so does everything
  bool told_to_end = false;  // by the CLI, with all that it started
  int stop_signal = 0;       // the tty stop signal that was sent as SIGSTOP
};

Command command;  // static: 40 KB, of which a fork copies nothing

void say(int fd, const char* text) {
  std::size_t left = std::strlen(text);
  while (left > 0) {
    const ssize_t n = ::write(fd, text, left);
    if (n <= 0) return;
    text += n;
    left -= static_cast<std::size_t>(n);
  }
}

// The command's stderr, -1 if it has none.
int stderr_of_command() {
  for (int i = 0; i < command.fd_count; ++i) {
    if (command.fds[i].number == STDERR_FILENO) return command.fds[i].fd;
  }
  return -1;
}

void say_to_command(const char* text) {
  const int words = stderr_of_command();
  if (words >= 0) say(words, text);
}

void send_note(const Life& life, NoteKind kind, int value, SignalSource source = kFromProcess) {
  const Note note{kind, value, source, 0};
  ::send(life.relay_socket, &note, sizeof note, MSG_NOSIGNAL);
}

void report_end(const Life& life, int status, const rusage& usage) {
  Report message{};
  message.magic = kReportMagic;
  message.kind = kReportExited;
  message.value = status;
  const auto micros = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1000000 + static_cast<std::uint64_t>(t.tv_usec);
  };
  message.user_us = micros(usage.ru_utime);
  message.system_us = micros(usage.ru_stime);
  message.max_rss_kb = static_cast<std::uint64_t>(usage.ru_maxrss);
  ::send(life.job_socket, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// A command that could not be started ends like one that a shell could not start.
void refuse(Life& life, int status) {
  life.ended = true;
  if (life.keeper >= 0) tell_ended(life.keeper, 0, life.relay_socket);
  send_note(life, kNoteExited, status << 8);
  report_end(life, status << 8, rusage{});
}

void start_timer(Life& life, long seconds) {
  if (life.timer < 0) life.timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  itimerspec when{};
  when.it_value.tv_sec = seconds;
  ::timerfd_settime(life.timer, 0, &when, nullptr);
}

// vfork keeps the parent where it is until the child has exec'ed: its return replaces a status
// pipe, and the tiny shared address space needs no tearing down.
__attribute__((noinline)) pid_t spawn(int& error, int& step) {
  // NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): see above
  const pid_t pid = ::vfork();
  if (pid == 0) {
    // NOLINTNEXTLINE(clang-analyzer-unix.Vfork): it makes system calls and allocates nothing
    error = exec_command(command, step);
    ::_exit(kExitNotFound);
  }
  if (pid < 0) error = errno;
  return pid;
}

// Starts the command, or says on its stderr why not. False: nothing was started.
bool start(Life& life) {
  if (command.job.kind == kJobRefuse) {
    say_to_command(command.message);
    refuse(life, kExitRefused);
    return false;
  }
  char line[256];
  if (const int error = open_working_directory(command); error != 0) {
    report(life.job_socket, kReportFailed, error, kStepCwd);
    (void)std::snprintf(line, sizeof line,
                        "agent-task-runner: commands cannot enter '%.150s': %s\n", command.cwd,
                        error == ESTALE ? "it is private to the CLI" : std::strerror(error));
    say_to_command(line);
    refuse(life, kExitRefused);
    return false;
  }
  volatile int error = 0;
  volatile int step = kStepNone;
  life.main = spawn(const_cast<int&>(error), const_cast<int&>(step));
  if (error != 0) {
    report(life.job_socket, kReportFailed, error, static_cast<std::uint32_t>(step));
    (void)std::snprintf(line, sizeof line, "agent-task-runner: cannot start '%.150s': %s\n",
                        command.path, std::strerror(error));
    say_to_command(line);
    refuse(life, error == ENOENT ? kExitNotFound : kExitRefused);
    return false;
  }
  if (command.job.wall_seconds != kNoLimit) {
    const int words = stderr_of_command();
    life.last_words = words >= 0 ? ::fcntl(words, F_DUPFD_CLOEXEC, 3) : -1;
    start_timer(life, static_cast<long>(command.job.wall_seconds));
  }
  // A command that has ended already is not yet reaped: its group can still be asked for.
  life.group = life.keeper >= 0 ? ::getpgid(life.main) : life.main;
  if (life.keeper >= 0) tell_started(life.keeper, life.group);
  report(life.job_socket, kReportStarted, life.main);
  return true;
}

bool has_default_action(pid_t pid, int signal) {
  char path[40];
  char text[4096];
  (void)std::snprintf(path, sizeof path, "/proc/%d/status", pid);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t size = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (size <= 0) return false;
  text[size] = '\0';
  for (const char* field : {"SigIgn:", "SigCgt:"}) {
    const char* found = std::strstr(text, field);
    if (found == nullptr) return false;
    const unsigned long long set = std::strtoull(found + 7, nullptr, 16);
    if ((set >> (signal - 1) & 1) != 0) return false;
  }
  return true;
}

// Signals from the terminal are for the command's group. Sent ones are for the main process, but
// those that end a shell's children with it go to the group if the caller led one: every CLI makes
// its shells group leaders and kills the group.
void deliver(Life& life, const Note& note) {
  if (life.ended || note.value <= 0 || note.value >= NSIG) return;
  const int signal = note.value;
  if (life.keeper >= 0 && signal == SIGWINCH && note.source == kFromKernel) {
    return tell_size(life.keeper);
  }
  if (life.keeper >= 0 && was_typed(life.keeper, note, life.relay_socket)) return;
  const bool ends_group =
      signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
  const bool to_group = note.source == kFromKernel || signal == SIGCONT ||
                        (ends_group && (command.hello.leads & kLeadsGroup) != 0);
  const bool tty_stop = signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
  int sent = signal;
  if (tty_stop && has_default_action(life.main, signal)) {
    // Whether the caller may stop is decided where the caller is, by the relay: the command stops
    // even if its own group is an orphaned one, for which the kernel ignores SIGTSTP.
    sent = SIGSTOP;
    life.stop_signal = signal;
  }
  if (to_group && signal == SIGTERM && note.source == kFromProcess) life.told_to_end = true;
  ::kill(to_group ? -life.group : life.main, sent);
}

// On a terminal the commands of one caller's group are in one group: then 0.
pid_t own_group(const Life& life) { return life.keeper >= 0 ? 0 : life.group; }

// CLIs that end a command look for its descendants, to end those that left its process group, too;
// they cannot find them here. Who holds a pipe of the command's open would keep the CLI waiting.
void end_what_is_left(Life& life) {
  signal_children(SIGTERM);
  life.out_of_time = true;
  start_timer(life, kGraceSeconds);
}

void end_main(Life& life, int status, const rusage& usage) {
  life.ended = true;
  if (life.keeper >= 0) tell_ended(life.keeper, WTERMSIG(status), life.relay_socket);
  send_note(life, kNoteExited, status);  // first: the caller waits for it
  report_end(life, status, usage);
  ::close(life.relay_socket);
  life.relay_socket = -1;
  if (command.job.kill_at_exit != 0) {
    if (life.own_pid_namespace) ::_exit(0);
    kill_everything(own_group(life));
  } else if (life.told_to_end) {
    end_what_is_left(life);
  }
}

void stop_main(Life& life, int signal) {
  if (life.stop_signal != 0) signal = life.stop_signal;
  life.stop_signal = 0;
  const bool others = life.keeper >= 0 && tell_stopped(life.keeper, signal, life.relay_socket);
  send_note(life, kNoteStopped, signal, others ? kFromKernel : kFromProcess);
}

// False when nothing is left to reap.
bool reap(Life& life) {
  for (;;) {
    int status = 0;
    rusage usage{};
    const int options = WNOHANG | (life.ended ? 0 : WUNTRACED);
    const pid_t pid = ::wait4(-1, &status, options, &usage);
    if (pid == 0) return true;
    if (pid < 0) return errno != ECHILD;
    if (pid != life.main || life.ended) continue;
    if (WIFSTOPPED(status)) {
      stop_main(life, WSTOPSIG(status));
    } else {
      end_main(life, status, usage);
    }
  }
}

void on_timer(Life& life) {
  std::uint64_t ticks = 0;
  if (::read(life.timer, &ticks, sizeof ticks) < 0) return;
  if (life.out_of_time) {
    if (life.own_pid_namespace && life.ended) ::_exit(0);
    return kill_everything(own_group(life));
  }
  life.out_of_time = true;
  const auto seconds = static_cast<std::int64_t>(command.job.wall_seconds);
  report(life.job_socket, kReportTimeout, seconds);
  if (life.last_words >= 0) {
    char line[160];
    (void)std::snprintf(line, sizeof line, "agent-task-runner: ended after %lld s: %s\n",
                        static_cast<long long>(seconds), command.message);
    say(life.last_words, line);
  }
  if (!life.ended && own_group(life) > 0) ::kill(-own_group(life), SIGTERM);
  if (!life.ended && own_group(life) == 0) signal_children(SIGTERM);
  start_timer(life, kGraceSeconds);
}

// The relay is gone: its SIGKILL is the command's.
void on_relay(Life& life) {
  Note note{};
  const ssize_t size = ::recv(life.relay_socket, &note, sizeof note, MSG_DONTWAIT);
  if (size == static_cast<ssize_t>(sizeof note) && note.kind == kNoteSignal) {
    return deliver(life, note);
  }
  if (size == static_cast<ssize_t>(sizeof note) && note.kind == kNoteForeground) {
    if (life.keeper >= 0) tell_foreground(life.keeper, note.value != 0, life.relay_socket);
    return;
  }
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  rusage usage{};
  report_end(life, SIGKILL, usage);
  if (life.own_pid_namespace) ::_exit(0);
  if (life.keeper >= 0) tell_ended(life.keeper, SIGKILL, -1);  // first: others want the terminal
  kill_everything(own_group(life));
  ::_exit(0);
}

int own_signals() {
  sigset_t all;
  ::sigfillset(&all);
  const int signals = ::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) ::_exit(125);
  return signals;
}

void take_signals(const Life& life) {
  signalfd_siginfo infos[8];  // what is left is read in the next round
  if (::read(life.signals, infos, sizeof infos) < 0 && errno != EAGAIN) ::_exit(125);
}

// False when the command's last process is gone.
bool on_signals(Life& life) {
  take_signals(life);
  return reap(life);
}

void on_keeper(const Life& life) {
  if (!follow_keeper(life.keeper, life.relay_socket)) ::_exit(125);
}

// Waits until the command's last process is gone.
void watch(Life& life) {
  for (;;) {
    pollfd entries[4] = {{life.signals, POLLIN, 0},
                         {life.relay_socket, POLLIN, 0},  // -1 when the main process has ended
                         {life.timer, POLLIN, 0},
                         {life.keeper, POLLIN, 0}};
    if (::poll(entries, 4, -1) < 0 && errno != EINTR) ::_exit(125);
    if (entries[0].revents != 0 && !on_signals(life)) return;
    if (entries[1].revents != 0 && !life.ended) on_relay(life);
    if (entries[2].revents != 0) on_timer(life);
    if (entries[3].revents != 0) on_keeper(life);
  }
}

// Without a seat the command must not have the terminal: what it leaves behind would read what is
// typed for others.
void take_terminal(Life& life) {
  const Seat seat = take_seat(life.job_socket, command, life.keeper);
  if (seat == Seat::moved) ::_exit(0);
  if (seat == Seat::taken) return enter_terminal(life.keeper, command);
  if (seat == Seat::plain) return;
  report(life.job_socket, kReportFailed, ENOSPC, kStepTerminal);
  command.job.kind = kJobRefuse;
  command.message = "agent-task-runner: there is no terminal left for a command\n";
}

// One command, from its job to its last process.
void serve_one(Life& life) {
  if (!receive_command(life.job_socket, command)) ::_exit(125);
  if (command.hello.terminal >= 0) take_terminal(life);
  life.relay_socket = command.relay_socket;
  vet_descriptors(life.job_socket, command);
  const bool started = start(life);
  close_descriptors(command);
  if (started) watch(life);
  for (int* fd : {&life.relay_socket, &life.timer, &life.last_words}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
  forget_strings(command);
}

}  // namespace

void live(int job_socket) {
  const int signals = own_signals();
  for (;;) {
    Life life{};
    life.job_socket = job_socket;
    life.signals = signals;
    life.own_pid_namespace = parked_as.own_pid_namespace != 0;
    serve_one(life);
    if (life.own_pid_namespace || life.keeper >= 0) ::_exit(0);
    report(job_socket, kReportEmpty, 0);
  }
}

}  // namespace runner::sandbox
