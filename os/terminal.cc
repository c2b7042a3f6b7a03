#include "os/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "os/text.h"

namespace os {

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

Result<WindowSize> window_size(int terminal) {
  winsize size{};
  if (::ioctl(terminal, TIOCGWINSZ, &size) != 0) return last_error("read the terminal's size");
  return WindowSize{size.ws_row, size.ws_col};
}

Status set_window_size(int terminal, WindowSize size) {
  winsize wanted{};
  wanted.ws_row = size.rows;
  wanted.ws_col = size.columns;
  if (::ioctl(terminal, TIOCSWINSZ, &wanted) != 0) return last_error("set the terminal's size");
  return {};
}

Result<Pty> open_pty(WindowSize size) {
  Pty pty;
  pty.master = TRY(open_file("/dev/ptmx", O_RDWR | O_NOCTTY));
  int unlocked = 0;
  if (::ioctl(pty.master.get(), TIOCSPTLCK, &unlocked) != 0) return last_error("unlock a pty");
  const int slave = ::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) return last_error("open a pty");
  pty.slave.reset(slave);
  TRY(set_window_size(pty.master.get(), size));
  return pty;
}

Status enter_terminal(int terminal) {
  if (::setsid() < 0) return last_error("make a session");
  if (::ioctl(terminal, TIOCSCTTY, 0) != 0) return last_error("take the terminal");
  for (int number = 0; number < 3; ++number) {
    if (::dup2(terminal, number) < 0) return last_error(join("put the terminal on fd ", number));
  }
  return {};
}

Result<RawMode> RawMode::enter(int terminal) {
  termios modes{};
  if (::tcgetattr(terminal, &modes) != 0) return last_error("read the terminal's modes");
  termios raw = modes;
  ::cfmakeraw(&raw);
  if (::tcsetattr(terminal, TCSANOW, &raw) != 0) return last_error("set the terminal's modes");
  return RawMode(terminal, modes);
}

RawMode::~RawMode() {
  if (terminal_ >= 0) ::tcsetattr(terminal_, TCSADRAIN, &modes_);
}

}  // namespace os
