// Terminals and pseudoterminals; tty_ioctl(2), pts(4).
#pragma once

#include <termios.h>

#include <cstdint>

#include "os/fd.h"
#include "os/result.h"

namespace os {

bool is_terminal(int fd);

struct WindowSize {
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
  bool operator==(const WindowSize&) const = default;
};

/// ENOTTY for anything but a terminal.
Result<WindowSize> window_size(int terminal);
/// Whoever is in the terminal's foreground gets SIGWINCH if the size is another. Works for a
/// master, too.
Status set_window_size(int terminal, WindowSize size);

struct Pty {
  Fd master;
  Fd slave;
};

/// A new one in the /dev of this process; its slave belongs to the file-access identity.
Result<Pty> open_pty(WindowSize size);

/// A new session whose controlling terminal is `terminal`, which becomes 0, 1 and 2 as well.
Status enter_terminal(int terminal);

/// While alive, every byte of `terminal` passes as it is typed and written; its modes come back at
/// the end.
class RawMode {
 public:
  static Result<RawMode> enter(int terminal);
  RawMode(RawMode&& other) noexcept : terminal_(other.terminal_), modes_(other.modes_) {
    other.terminal_ = -1;
  }
  RawMode& operator=(RawMode&&) = delete;
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;
  ~RawMode();

 private:
  RawMode(int terminal, const termios& modes) : terminal_(terminal), modes_(modes) {}
  int terminal_;
  termios modes_;
};

}  // namespace os
