#include "os/log.h"

#include <poll.h>
#include <unistd.h>

#include <climits>
#include <string>

#include "os/text.h"

namespace os {
namespace {

const char* log_name = "agent-init";
bool verbose = false;
unsigned dropped = 0;

// stderr is shared with others, so it must stay as it is: no O_NONBLOCK. A pipe or terminal that
// polls writable takes PIPE_BUF bytes at once.
bool writable() {
  pollfd entry{STDERR_FILENO, POLLOUT, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLOUT) != 0;
}

}  // namespace

void set_log_name(const char* name) { log_name = name; }

void set_log_verbose(bool on) { verbose = on; }

void report(std::string_view line) {
  if (!writable()) {
    ++dropped;
    return;
  }
  std::string text = join(log_name, ": ", printable(line, PIPE_BUF / 2));
  if (dropped != 0) text += join(" (", dropped, " lines before this one were lost)");
  dropped = 0;
  text += '\n';
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) ++dropped;
}

void note(std::string_view line) {
  if (verbose) report(line);
}

}  // namespace os
