#include "runner/pty_bridge.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <initializer_list>

namespace runner::sandbox {
namespace {

constexpr std::size_t kChunk = 4096;  // what a terminal takes at once
constexpr std::size_t kPiece = 512;
constexpr int kMostDrained = 64;  // chunks; more than both buffers of a pty hold

// Bytes that one side has given and the other not yet taken.
struct Bytes {
  char data[kChunk];
  std::size_t from;
  std::size_t to;
};

struct Bridge {
  int terminal;  // the caller's, opened anew: reading and writing never wait
  int master;
  int slave;
  bool raw;
  termios raw_modes;
  Bytes in;
  Bytes out;
};
Bridge bridge;
char slave_name[32];

bool empty(const Bytes& bytes) { return bytes.from == bytes.to; }

// False: this side has hung up.
bool fill(Bytes& bytes, int fd) {
  const ssize_t size = ::read(fd, bytes.data, sizeof bytes.data);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  bytes.from = 0;
  bytes.to = static_cast<std::size_t>(size);
  return size > 0;
}

// False: this side has hung up. In small pieces: a pty's buffer holds nearly twice as much of them
// as of large ones, and a command whose output nobody reads yet must end where it would natively.
bool flush(Bytes& bytes, int fd) {
  while (!empty(bytes)) {
    const std::size_t piece = std::min(bytes.to - bytes.from, kPiece);
    const ssize_t size = ::write(fd, bytes.data + bytes.from, piece);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    bytes.from += static_cast<std::size_t>(size);
  }
  return true;
}

void hang_up(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// The terminal is gone: so is the pty, and its session hears of it.
void lose_terminal() {
  hang_up(bridge.terminal);
  hang_up(bridge.master);
  bridge.in.to = bridge.in.from;
  bridge.out.to = bridge.out.from;
}

// While no command is in the foreground the terminal itself adds what output lacks.
void leave_output_alone() {
  termios modes{};
  if (::tcgetattr(bridge.slave, &modes) != 0) return;
  modes.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  ::tcsetattr(bridge.slave, TCSANOW, &modes);
}

// Makes the kernel take in, and echo, what was written to the master; n_tty_poll() does.
void take_written() {
  pollfd entry{bridge.slave, POLLIN, 0};
  ::poll(&entry, 1, 0);
}

// What was typed before the command started was echoed when it was typed.
void take_typed_ahead(const termios& modes) {
  int waiting = 0;
  if (::ioctl(bridge.terminal, FIONREAD, &waiting) != 0 || waiting == 0) return;
  if (!empty(bridge.in)) return;
  termios silent = modes;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
  ::tcsetattr(bridge.slave, TCSANOW, &silent);
  if (fill(bridge.in, bridge.terminal)) flush(bridge.in, bridge.master);
  take_written();
  ::tcsetattr(bridge.slave, TCSANOW, &modes);
}

// Which signals these bytes are, by the pty's modes.
unsigned long signals_in(const Bytes& typed) {
  termios modes{};
  if (::tcgetattr(bridge.slave, &modes) != 0 || (modes.c_lflag & ISIG) == 0) return 0;
  unsigned long found = 0;
  for (std::size_t i = typed.from; i < typed.to; ++i) {
    const auto byte = static_cast<cc_t>(typed.data[i]);
    if (byte == _POSIX_VDISABLE) continue;
    if (byte == modes.c_cc[VINTR]) found |= 1UL << (SIGINT - 1);
    if (byte == modes.c_cc[VQUIT]) found |= 1UL << (SIGQUIT - 1);
    if (byte == modes.c_cc[VSUSP]) found |= 1UL << (SIGTSTP - 1);
  }
  return found;
}

// False when somebody else has given the terminal other modes: then it is theirs.
bool still_raw() {
  termios now{};
  const termios& ours = bridge.raw_modes;
  return ::tcgetattr(bridge.terminal, &now) == 0 && now.c_iflag == ours.c_iflag &&
         now.c_oflag == ours.c_oflag && now.c_lflag == ours.c_lflag;
}

// False when the terminal takes no more, now or ever.
bool empty_out(bool wait) {
  while (!empty(bridge.out)) {
    pollfd entry{bridge.terminal, POLLOUT, 0};
    const int ready = ::poll(&entry, 1, wait ? -1 : 0);
    if (ready == 0) return false;
    if (ready < 0) continue;
    if ((entry.revents & (POLLHUP | POLLERR)) != 0 || !flush(bridge.out, bridge.terminal)) {
      lose_terminal();
      return false;
    }
  }
  return true;
}

// What was read from the terminal goes to the pty; the signals that it is. Their echo comes before
// what they make others print.
unsigned long pass_typed() {
  const unsigned long typed = signals_in(bridge.in);
  flush(bridge.in, bridge.master);
  if (typed != 0) take_written();
  drain(false);
  return typed;
}

short when(bool condition, short event) { return condition ? event : short{0}; }

}  // namespace

bool open_pty(int terminal) {
  bridge = {};
  bridge.terminal = terminal;
  bridge.slave = -1;
  bridge.master = ::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (bridge.master < 0) return false;
  int unlocked = 0;
  unsigned number = 0;
  termios modes{};
  bool made = ::ioctl(bridge.master, TIOCSPTLCK, &unlocked) == 0 &&
              ::ioctl(bridge.master, TIOCGPTN, &number) == 0 && ::tcgetattr(terminal, &modes) == 0;
  (void)std::snprintf(slave_name, sizeof slave_name, "/dev/pts/%u", number);
  if (made) bridge.slave = ::open(slave_name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  made = made && bridge.slave >= 0 && ::setsid() >= 0 && ::ioctl(bridge.slave, TIOCSCTTY, 0) == 0;
  if (!made) {
    hang_up(bridge.slave);
    hang_up(bridge.master);
    return false;
  }
  ::tcsetattr(bridge.slave, TCSANOW, &modes);
  leave_output_alone();
  copy_size();
  return true;
}

int open_slave(int flags) {
  const int kept = flags & (O_ACCMODE | O_APPEND | O_NONBLOCK);
  return ::open(slave_name, kept | O_NOCTTY | O_CLOEXEC);
}

void leave_bridge() {
  for (int* fd : {&bridge.terminal, &bridge.master, &bridge.slave}) hang_up(*fd);
}

void enter_raw() {
  copy_size();
  if (bridge.raw) return;
  termios modes{};
  if (::tcgetattr(bridge.terminal, &modes) != 0) return;
  ::tcsetattr(bridge.slave, TCSANOW, &modes);
  bridge.raw_modes = modes;
  ::cfmakeraw(&bridge.raw_modes);
  ::tcsetattr(bridge.terminal, TCSANOW, &bridge.raw_modes);
  bridge.raw = true;
  take_typed_ahead(modes);
}

void leave_raw() {
  if (!bridge.raw) return;
  bridge.raw = false;
  termios modes{};
  if (still_raw() && ::tcgetattr(bridge.slave, &modes) == 0) {
    ::tcsetattr(bridge.terminal, TCSANOW, &modes);
  }
  leave_output_alone();
  set_foreground_group(::getpgrp());
}

void copy_size() {
  winsize size{};
  if (::ioctl(bridge.terminal, TIOCGWINSZ, &size) == 0) ::ioctl(bridge.master, TIOCSWINSZ, &size);
}

void set_foreground_group(pid_t group) { ::tcsetpgrp(bridge.slave, group); }

pid_t foreground_group() { return ::tcgetpgrp(bridge.slave); }

void drain(bool wait) {
  for (int chunks = 0; chunks < kMostDrained && bridge.master >= 0; ++chunks) {
    if (!empty_out(wait) || !fill(bridge.out, bridge.master) || empty(bridge.out)) return;
  }
}

bool drained() { return empty(bridge.out); }

void prepare(pollfd* entries) {
  const Bridge& b = bridge;
  entries[0] = {
      b.terminal,
      static_cast<short>(when(b.raw && empty(b.in), POLLIN) | when(!empty(b.out), POLLOUT)), 0};
  entries[1] = {b.master,
                static_cast<short>(when(empty(b.out), POLLIN) | when(!empty(b.in), POLLOUT)), 0};
}

unsigned long carry(const pollfd* entries) {
  if (bridge.master < 0) return 0;
  const short terminal = entries[0].revents;
  const short master = entries[1].revents;
  unsigned long typed = 0;
  bool lost = (terminal & (POLLHUP | POLLERR)) != 0;
  if ((terminal & POLLOUT) != 0 && !empty(bridge.out)) {
    lost = !flush(bridge.out, bridge.terminal) || lost;
  }
  if ((terminal & POLLIN) != 0 && bridge.raw && empty(bridge.in)) {
    lost = !fill(bridge.in, bridge.terminal) || lost;
    if (!lost) typed = pass_typed();
  }
  if (lost) {
    lose_terminal();
    return 0;
  }
  if ((master & POLLOUT) != 0 && !empty(bridge.in)) flush(bridge.in, bridge.master);
  if ((master & POLLIN) != 0 && empty(bridge.out)) fill(bridge.out, bridge.master);
  return typed;
}

}  // namespace runner::sandbox
