// Receives one command and becomes it; see runner/sandbox.h.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "runner/sandbox.h"
#include "runner/sandbox_fds.h"

namespace runner::sandbox {
namespace {

constexpr std::size_t kInlineJob = std::size_t{160} * 1024;  // larger ones come in a memory file
alignas(Job) char job_buffer[kInlineJob];

void* anonymous_memory(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

// Cuts `bytes` bytes of NUL-ended strings into the command's fields. False: not what was announced.
bool cut(char* text, Command& command) {
  const Job& job = command.job;
  const std::size_t pointers = std::size_t{job.argc} + job.envc + 2;
  if (job.bytes == 0 || text[job.bytes - 1] != '\0' || pointers > job.bytes + 2) return false;
  command.table_bytes = pointers * sizeof(char*);
  auto** table = static_cast<char**>(anonymous_memory(command.table_bytes));
  if (table == nullptr) return false;
  char* next = text;
  const char* end = text + job.bytes;
  const auto take = [&]() -> char* {
    if (next >= end) return nullptr;
    char* found = next;
    next += std::strlen(next) + 1;
    return found;
  };
  command.cwd = take();
  command.path = take();
  command.message = take();
  command.argv = table;
  for (std::uint32_t i = 0; i < job.argc; ++i) *table++ = take();
  *table++ = nullptr;
  command.envp = table;
  for (std::uint32_t i = 0; i < job.envc; ++i) *table++ = take();
  *table = nullptr;
  return command.message != nullptr && next == end;
}

bool receive_job(int socket, Command& command) {
  int fds[2] = {-1, -1};
  int count = 0;
  const ssize_t size = receive_with_fds(socket, job_buffer, sizeof job_buffer, fds, 2, count);
  if (size < static_cast<ssize_t>(sizeof(Job)) || count < 1) return false;
  std::memcpy(&command.job, job_buffer, sizeof(Job));
  command.relay_socket = fds[0];
  command.memory_file = fds[1];
  command.message_bytes = static_cast<std::size_t>(size);
  command.strings = nullptr;
  command.cwd_fd = -1;
  command.group = 0;
  command.terminal = -1;
  const Job& job = command.job;
  const std::size_t inline_bytes = static_cast<std::size_t>(size) - sizeof(Job);
  if (job.magic != kJobMagic) return false;
  if (job.in_memory_file == 0) {
    return job.bytes == inline_bytes && cut(job_buffer + sizeof(Job), command);
  }
  struct stat info {};
  if (count != 2 || ::fstat(fds[1], &info) != 0 ||
      static_cast<std::uint64_t>(info.st_size) < job.bytes) {
    return false;
  }
  void* text = ::mmap(nullptr, job.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[1], 0);
  if (text == MAP_FAILED) return false;
  command.strings = text;
  return cut(static_cast<char*>(text), command);
}

bool receive_hello(int socket, int job_socket, Command& command) {
  command.fd_count = 0;
  do {
    int fds[kHelloFds];
    int count = 0;
    const ssize_t size =
        receive_with_fds(socket, &command.hello, sizeof(Hello), fds, kHelloFds, count);
    const Hello& hello = command.hello;
    if (size != static_cast<ssize_t>(sizeof(Hello)) || hello.magic != kHelloMagic ||
        hello.count > kHelloFds || hello.count != static_cast<std::uint32_t>(count)) {
      return false;
    }
    for (int i = 0; i < count; ++i) {
      if (command.fd_count == kMaxFds) {
        report(job_socket, kReportFd, hello.numbers[i], kFdBeyondLimit);
        ::close(fds[i]);
      } else {
        command.fds[command.fd_count++] = {fds[i], hello.numbers[i]};
      }
    }
  } while (command.hello.more != 0);
  return true;
}

// Closes what is not in `fds`, which are sorted by number. After vfork, like all that follows.
void close_others(const PassedFd* fds, int count) {
  unsigned next = 0;
  for (int i = 0; i < count; ++i) {
    const auto number = static_cast<unsigned>(fds[i].number);
    if (number > next) ::close_range(next, number - 1, 0);
    next = number + 1;
  }
  ::close_range(next, ~0U, 0);
}

// After vfork: async-signal-safe only. Gives every descriptor its number and closes all others.
int place_descriptors(const Command& command) {
  static PassedFd fds[kMaxFds];
  const int count = command.fd_count;
  std::copy(command.fds, command.fds + count, fds);
  for (int i = 0; i < count; ++i) {
    for (int later = i + 1; later < count; ++later) {
      if (fds[later].fd != fds[i].number) continue;
      fds[later].fd = ::fcntl(fds[later].fd, F_DUPFD_CLOEXEC, 0);
      if (fds[later].fd < 0) return errno;
    }
    if (fds[i].fd == fds[i].number) {
      if (::fcntl(fds[i].fd, F_SETFD, 0) != 0) return errno;
    } else if (::dup2(fds[i].fd, fds[i].number) < 0) {
      return errno;
    }
  }
  std::sort(fds, fds + count,
            [](const PassedFd& a, const PassedFd& b) { return a.number < b.number; });
  close_others(fds, count);
  return 0;
}

// A sandbox's own, which never change: asking for all of them takes as long as a hand-over.
rlimit own_limits[kLimits];

// After vfork. The caller's own limits, tightened by the profile's. A hard limit above ours cannot
// be had back without privileges: ours stays.
int set_limits(const Command& command) {
  static constexpr int kProfileLimits[5] = {RLIMIT_CPU, RLIMIT_AS, RLIMIT_NPROC, RLIMIT_NOFILE,
                                            RLIMIT_FSIZE};
  for (unsigned i = 0; i < kLimits; ++i) {
    const auto resource = static_cast<__rlimit_resource>(i);
    const rlimit& ours = own_limits[i];
    rlimit wanted{command.hello.limits[i][0], command.hello.limits[i][1]};
    for (unsigned p = 0; p < 5; ++p) {
      if (kProfileLimits[p] != static_cast<int>(i)) continue;
      wanted.rlim_max = std::min(wanted.rlim_max, rlim_t{command.job.rlimits[p]});
    }
    wanted.rlim_max = std::min(wanted.rlim_max, ours.rlim_max);
    wanted.rlim_cur = std::min(wanted.rlim_cur, wanted.rlim_max);
    if (wanted.rlim_cur == ours.rlim_cur && wanted.rlim_max == ours.rlim_max) continue;
    if (::setrlimit(resource, &wanted) != 0) return errno;
  }
  return 0;
}

// After vfork. Failures are ignored: nobody gets less nice without privileges, and an unknown
// (empty) set of CPUs is refused.
void set_scheduling(const Hello& hello) {
  if (hello.nice != ::getpriority(PRIO_PROCESS, 0)) ::setpriority(PRIO_PROCESS, 0, hello.nice);
  std::uint64_t ours[kCpuWords] = {};
  ::syscall(SYS_sched_getaffinity, 0, sizeof ours, ours);
  if (!std::equal(ours, ours + kCpuWords, hello.cpus)) {
    ::syscall(SYS_sched_setaffinity, 0, sizeof hello.cpus, hello.cpus);
  }
}

void set_signals(const Command& command) {
  for (int signal = 1; signal < NSIG; ++signal) {
    if ((command.hello.ignored >> (signal - 1) & 1) != 0) (void)::signal(signal, SIG_IGN);
  }
  // The raw call: glibc keeps two real-time signals from being blocked.
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &command.job.signal_mask, nullptr,
            sizeof command.job.signal_mask);
}

// After vfork. A session of its own only if the caller had one. With a session each, the kernel's
// autogroups (sched(7)) give every command a group of the scheduler's: under load single ones got
// no processor for seconds. On a terminal the session is the keeper's; SIGTTOU is blocked.
void enter_group(const Command& command) {
  if (command.terminal < 0) {
    if ((command.hello.leads & kLeadsSession) != 0) {
      ::setsid();
    } else {
      ::setpgid(0, 0);
    }
    return;
  }
  if (command.group == 0 || ::setpgid(0, command.group) != 0) ::setpgid(0, 0);
  if (command.hello.foreground != 0) ::tcsetpgrp(command.terminal, ::getpgrp());
}

}  // namespace

void note_own_limits() {
  for (unsigned i = 0; i < kLimits; ++i) {
    if (::getrlimit(static_cast<__rlimit_resource>(i), &own_limits[i]) != 0) ::_exit(125);
  }
}

bool receive_command(int job_socket, Command& command) {
  return receive_job(job_socket, command) &&
         receive_hello(command.relay_socket, job_socket, command);
}

bool send_moved(int socket, int job_socket, const Command& command) {
  const int fds[3] = {job_socket, command.relay_socket, command.memory_file};
  const Move move{kMoveMagic, 0};
  if (!send_with_fds(socket, &move, sizeof move, fds, 1) ||
      !send_with_fds(socket, job_buffer, command.message_bytes, fds + 1,
                     command.memory_file < 0 ? 1 : 2)) {
    return false;
  }
  static Hello hello;
  hello = command.hello;
  int sent = 0;
  do {
    int batch[kHelloFds];
    hello.count = 0;
    for (; sent < command.fd_count && hello.count < kHelloFds; ++sent, ++hello.count) {
      batch[hello.count] = command.fds[sent].fd;
      hello.numbers[hello.count] = command.fds[sent].number;
    }
    hello.more = sent < command.fd_count ? 1 : 0;
    if (!send_with_fds(socket, &hello, sizeof hello, batch, static_cast<int>(hello.count))) {
      return false;
    }
  } while (sent < command.fd_count);
  return true;
}

bool receive_moved(int socket, int& job_socket, Command& command) {
  Move move{};
  int count = 0;
  const ssize_t size = receive_with_fds(socket, &move, sizeof move, &job_socket, 1, count);
  return size == static_cast<ssize_t>(sizeof move) && move.magic == kMoveMagic && count == 1 &&
         receive_job(socket, command) && receive_hello(socket, job_socket, command);
}

void close_descriptors(Command& command) {
  for (int i = 0; i < command.fd_count; ++i) ::close(command.fds[i].fd);
  for (int* fd : {&command.cwd_fd, &command.memory_file, &command.terminal}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

void forget_strings(Command& command) {
  ::munmap(command.argv, command.table_bytes);
  if (command.strings != nullptr) ::munmap(command.strings, command.job.bytes);
}

int open_working_directory(Command& command) {
  command.cwd_fd = ::open(command.cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (command.cwd_fd < 0) return errno;
  if (command.job.cwd_dev == 0 && command.job.cwd_ino == 0) return 0;
  struct stat here {};
  if (::fstat(command.cwd_fd, &here) != 0) return errno;
  const bool same = here.st_dev == command.job.cwd_dev && here.st_ino == command.job.cwd_ino;
  return same ? 0 : ESTALE;
}

int exec_command(const Command& command, int& step) {
  step = kStepCwd;
  if (::fchdir(command.cwd_fd) != 0) return errno;
  enter_group(command);
  step = kStepFds;
  if (const int error = place_descriptors(command); error != 0) return error;
  step = kStepLimits;
  if (const int error = set_limits(command); error != 0) return error;
  step = kStepExec;
  // A command that kills its sandbox, which runs as the same user, ends with it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::umask(static_cast<mode_t>(command.hello.umask));
  set_scheduling(command.hello);
  set_signals(command);
  ::execve(command.path, command.argv, command.envp);
  return errno;
}

}  // namespace runner::sandbox
