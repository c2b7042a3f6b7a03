#include "runner/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runner/pty_bridge.h"
#include "runner/sandbox_fds.h"
#include "runner/terminal_keeper.h"

namespace runner::sandbox {
namespace {

constexpr int kMostTries = 8;  // a keeper may end while it is being asked
constexpr unsigned kMasterMajor = 5;
constexpr unsigned kMasterMinor = 2;

unsigned served_device;  // the keeper's, and so its children's
int caller;              // whose command this process serves
int raiser = -1;         // the relay that last sent a typed signal to the callers' group

// The terminal's number, also for one that was opened as /dev/tty. 0: not a terminal.
unsigned device_of(int fd) {
  unsigned device = 0;
  return ::ioctl(fd, TIOCGDEV, &device) == 0 ? device : 0;
}

// A master's ioctl answers for its slave.
bool is_master(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) != 0 || info.st_rdev == makedev(kMasterMajor, kMasterMinor);
}

// The relay's own descriptor of the terminal, taken out of what the command gets.
int take_terminal_fd(Command& command) {
  int found = -1;
  int kept = 0;
  for (int i = 0; i < command.fd_count; ++i) {
    if (found < 0 && command.fds[i].number == command.hello.terminal) {
      found = command.fds[i].fd;
    } else {
      command.fds[kept++] = command.fds[i];
    }
  }
  command.fd_count = kept;
  return found;
}

// kSeatNone if nobody answers.
SeatAnswer ask_for_seat(unsigned device, int session, int& line) {
  for (int tries = 0; tries < kMostTries; ++tries) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return kSeatNone;
    const SeatRequest request{kSeatMagic, device, session, parked_as.profile};
    const bool asked = send_with_fds(kDesk, &request, sizeof request, &ends[1], 1);
    ::close(ends[1]);
    SeatAnswer answer = kSeatNone;
    const bool answered =
        asked && ::recv(ends[0], &answer, sizeof answer, 0) == static_cast<ssize_t>(sizeof answer);
    if (answered && (answer == kSeatKeeper || answer == kSeatMove)) {
      line = ends[0];
      return answer;
    }
    ::close(ends[0]);
    if (!asked || answered) return answer;
  }
  return kSeatNone;
}

// In a child of the keeper's: what it inherited is another's.
void become_member(int arrival, int& job_socket, Command& command) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (arrival < 0) return;  // the first one serves the command that made the keeper
  const bool received = receive_moved(arrival, job_socket, command);
  ::close(arrival);
  if (!received) ::_exit(125);
}

// In the keeper: the command is its first child's.
void let_go(int job_socket, Command& command) {
  close_descriptors(command);
  ::close(command.relay_socket);
  ::close(job_socket);
  forget_strings(command);
}

void say(int link, TerminalWord word, int value) {
  const TerminalNote note{word, value, 0, 0};
  ::send(link, &note, sizeof note, MSG_NOSIGNAL);
}

// Either this command's relay is to send a signal to the callers' group, or another one does.
void on_raise(const TerminalNote& word, int to_relay) {
  if (word.caller != caller) {
    raiser = word.caller;
  } else if (to_relay >= 0) {
    const Note note{kNoteRaise, word.value, kFromKernel, 0};
    ::send(to_relay, &note, sizeof note, MSG_NOSIGNAL);
  }
}

bool wants_end(const Note& note) {
  return note.kind == kNoteSignal && (note.value == SIGTERM || note.value == SIGINT ||
                                      note.value == SIGHUP || note.value == SIGQUIT);
}

// Waits for the keeper or the relay to say something. False when the caller has lost patience: it
// wants the command to end, which has ended already, or the relay is gone.
bool wait_with_relay(int link, int relay) {
  for (;;) {
    pollfd entries[2] = {{link, POLLIN, 0}, {relay, POLLIN, 0}};
    if (::poll(entries, 2, -1) < 0 && errno != EINTR) ::_exit(125);
    if (entries[0].revents != 0) return true;
    if (entries[1].revents == 0) continue;
    Note note{};
    if (::recv(relay, &note, sizeof note, 0) != static_cast<ssize_t>(sizeof note)) return false;
    if (wants_end(note)) return false;
  }
}

// The keeper's answer; without a keeper this process ends, and the relay with it.
int wait_for_answer(int link, int to_relay) {
  for (;;) {
    TerminalNote note{};
    if (::recv(link, &note, sizeof note, 0) != static_cast<ssize_t>(sizeof note)) ::_exit(125);
    if (note.word == kAnswer) return note.value;
    if (note.word == kRaise) on_raise(note, to_relay);
  }
}

}  // namespace

Seat take_seat(int& job_socket, Command& command, int& link) {
  const int terminal = take_terminal_fd(command);
  if (terminal < 0) return Seat::plain;
  // A process of another pid namespace could not join a process group of the keeper's. A command
  // that is its own relay could say that it has another's terminal, and get what is typed there.
  if (parked_as.own_pid_namespace != 0 || command.job.kind != kJobRun ||
      command.job.asked_by_command != 0) {
    ::close(terminal);
    return Seat::plain;
  }
  served_device = device_of(terminal);
  int line = -1;
  const SeatAnswer answer = ask_for_seat(served_device, command.hello.session, line);
  const bool keeps = answer == kSeatKeeper && open_pty(terminal);
  if (!keeps) {
    ::close(terminal);
    const bool moved = answer == kSeatMove && send_moved(line, job_socket, command);
    if (line >= 0) ::close(line);
    if (moved) return Seat::moved;
    return answer == kSeatPlain ? Seat::plain : Seat::none;
  }
  int arrival = -1;
  if (!fork_member(link)) {
    let_go(job_socket, command);
    keep(line, link, arrival);
  }
  become_member(arrival, job_socket, command);
  return Seat::taken;
}

void enter_terminal(int link, Command& command) {
  for (int i = 0; i < command.fd_count; ++i) {
    const int fd = command.fds[i].fd;
    if (device_of(fd) != served_device || is_master(fd)) continue;
    const int fresh = open_slave(::fcntl(fd, F_GETFL));
    if (fresh < 0) continue;  // the terminal itself then, as without a keeper
    ::close(fd);
    command.fds[i].fd = fresh;
  }
  command.terminal = open_slave(O_RDWR);
  caller = command.hello.pid;
  const TerminalNote join{kJoin, command.hello.foreground != 0 ? 1 : 0, caller,
                          command.hello.group};
  ::send(link, &join, sizeof join, MSG_NOSIGNAL);
  command.group = wait_for_answer(link, command.relay_socket);
}

void tell_started(int link, pid_t group) { say(link, kStarted, group); }

bool tell_stopped(int link, int signal, int to_relay) {
  say(link, kStopped, signal);
  return wait_for_answer(link, to_relay) != 0;
}

void tell_ended(int link, int signal, int to_relay) {
  say(link, kEnded, signal);
  // An answer that comes later is not missed by anybody.
  if (to_relay < 0 || wait_with_relay(link, to_relay)) wait_for_answer(link, to_relay);
}

void tell_foreground(int link, bool foreground, int to_relay) {
  say(link, kForeground, foreground ? 1 : 0);
  wait_for_answer(link, to_relay);
}

void tell_size(int link) { say(link, kSize, 0); }

bool follow_keeper(int link, int to_relay) {
  TerminalNote note{};
  // What was there a moment ago may have been taken by who waited for an answer.
  const ssize_t size = ::recv(link, &note, sizeof note, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (size != static_cast<ssize_t>(sizeof note)) return false;
  if (note.word == kRaise) on_raise(note, to_relay);
  return true;
}

bool was_typed(int link, const Note& signal, int to_relay) {
  if (signal.source != kFromProcess) return false;
  // Whoever raises it was told after this process.
  TerminalNote note{};
  while (::recv(link, &note, sizeof note, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof note)) {
    if (note.word == kRaise) on_raise(note, to_relay);
  }
  return signal.sender == raiser &&
         (signal.value == SIGINT || signal.value == SIGQUIT || signal.value == SIGTSTP);
}

}  // namespace runner::sandbox
