#include "os/process.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include "os/fd.h"
#include "os/retry.h"
#include "os/text.h"

namespace os {
namespace {

constexpr int kStdio = 3;  // how many descriptors it has

// The array of pointers that exec wants, into strings that outlive it.
std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

bool is_root() { return ::geteuid() == 0; }

bool is_init() { return ::getpid() == 1; }

void stop_self() { static_cast<void>(::raise(SIGSTOP)); }

ClosedStdio hold_stdio() {
  ClosedStdio closed = 0;
  for (int fd = 0; fd < kStdio; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1) continue;
    // The lowest free number is fd: all below it are open by now.
    if (::open("/dev/null", O_RDWR) == fd) closed |= 1U << fd;  // NOLINT(android-cloexec-open)
  }
  return closed;
}

void make_reopenable(std::span<const int> descriptors) {
  for (const int fd : descriptors) {
    struct statfs system {};
    if (::fstatfs(fd, &system) != 0 || system.f_type != PIPEFS_MAGIC) continue;
    static_cast<void>(::fchmod(fd, 0666));  // a pipe that stays closed to others still works
  }
}

void drop_held_stdio(ClosedStdio closed) {
  for (int fd = 0; fd < kStdio; ++fd) {
    if ((closed >> fd & 1) != 0) ::close(fd);
  }
}

Status silence(std::span<const int> descriptors) {
  const Fd null = TRY(open_file("/dev/null", O_RDWR));
  for (const int fd : descriptors) {
    if (::dup2(null.get(), fd) < 0) return last_error(join("put /dev/null on fd ", fd));
  }
  return {};
}

void set_process_name(const char* name) { ::prctl(PR_SET_NAME, name, 0, 0, 0); }

Status leave_terminal() {
  if (::setsid() < 0) return last_error("start a session without terminal");
  return {};
}

Status change_directory(const std::string& path) {
  if (::chdir(path.c_str()) != 0) return last_error(join("enter directory '", path, "'"));
  return {};
}

bool may_execute(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

bool may_read(int file) { return ::faccessat(file, "", R_OK, AT_EACCESS | AT_EMPTY_PATH) == 0; }

Result<std::string> read_head(int fd, std::size_t size) {
  std::string head(size, '\0');
  const ssize_t n = retrying([&] { return ::pread(fd, head.data(), size, 0); });
  if (n < 0) return last_error("read the start of a file");
  head.resize(static_cast<std::size_t>(n));
  return head;
}

Status place_descriptor(int fd, int number) {
  if (::dup2(fd, number) < 0) return last_error(join("give fd ", fd, " the number ", number));
  return {};
}

void close_others(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned next = kStdio;
  for (const int fd : keep) {
    if (fd < 0 || static_cast<unsigned>(fd) < next) continue;
    if (static_cast<unsigned>(fd) > next) ::close_range(next, static_cast<unsigned>(fd) - 1, 0);
    next = static_cast<unsigned>(fd) + 1;
  }
  ::close_range(next, ~0U, 0);
}

Error exec_path(const std::string& path, const std::vector<std::string>& argv,
                const std::vector<std::string>& env) {
  ::execve(path.c_str(), pointers_to(argv).data(), pointers_to(env).data());
  return last_error(join("execute '", path, "'"));
}

Error exec_file(int file, const std::vector<std::string>& argv,
                const std::vector<std::string>& env) {
  ::syscall(SYS_execveat, file, "", pointers_to(argv).data(), pointers_to(env).data(),
            AT_EMPTY_PATH);
  return last_error(join("execute '", argv.empty() ? "" : argv.front(), "'"));
}

Result<std::uint64_t> start_time(pid_t pid) {
  const std::string step = join("read the start time of process ", pid);
  const auto text = read_file(join("/proc/", pid, "/stat"));
  if (!text.ok()) return Error{ESRCH, step};
  // The name in the second field may hold anything; the third field follows its last `)`.
  const std::size_t name_end = text.value().rfind(')');
  if (name_end == std::string::npos) return Error{EPROTO, step};
  const auto fields = split(std::string_view(text.value()).substr(name_end + 2), ' ');
  constexpr std::size_t kStartTime = 22 - 3;
  std::uint64_t ticks = 0;
  if (fields.size() <= kStartTime) return Error{EPROTO, step};
  const std::string& field = fields[kStartTime];
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), ticks);
  if (error != std::errc{}) return Error{EPROTO, step};
  return ticks;
}

Result<std::string> own_program() { return read_link_at(AT_FDCWD, "/proc/self/exe"); }

std::vector<std::string> environment() {
  std::vector<std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    variables.emplace_back(*entry);
  }
  return variables;
}

Result<std::string> random_hex(std::size_t digits) {
  static constexpr std::array<char, 17> kHex{"0123456789abcdef"};
  std::array<unsigned char, 32> bytes{};
  if (retrying([&] { return ::getrandom(bytes.data(), bytes.size(), 0); }) < 0) {
    return last_error("get random bytes");
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(digits, bytes.size()); ++i) text += kHex[bytes[i] & 15];
  return text;
}

void trim_memory() { ::malloc_trim(0); }

Result<std::string> read_sensitive(int fd, std::size_t limit) {
  std::string bytes(limit + 1, '\0');
  std::size_t size = 0;
  for (;;) {
    const ssize_t n =
        retrying([&] { return ::read(fd, bytes.data() + size, bytes.size() - size); });
    if (n == 0) break;
    if (n > 0) size += static_cast<std::size_t>(n);
    if (n > 0 && size <= limit) continue;
    const Error error = n < 0 ? last_error(join("read fd ", fd))
                              : Error{EFBIG, join("read fd ", fd, " (limit ", limit, " bytes)")};
    wipe(bytes);
    return error;
  }
  bytes.resize(size);
  return bytes;
}

Result<std::string> read_sensitive_exactly(int fd, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = retrying([&] { return ::read(fd, bytes.data() + have, size - have); });
    if (n > 0) {
      have += static_cast<std::size_t>(n);
      continue;
    }
    const Error error =
        n < 0
            ? last_error(join("read fd ", fd))
            : Error{EPIPE, join("read fd ", fd, ": it ended after ", have, " of ", size, " bytes")};
    wipe(bytes);
    return error;
  }
  return bytes;
}

void wipe(std::string& bytes) {
  ::explicit_bzero(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace os
