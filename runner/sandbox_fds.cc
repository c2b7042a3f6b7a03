// Which of the caller's descriptors a command may have; see runner/sandbox.h.

#include "runner/sandbox_fds.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "runner/sandbox.h"

#ifndef PID_FS_MAGIC  // Linux 6.9; absent in Debian 12's headers
#define PID_FS_MAGIC 0x50494446
#endif

namespace runner::sandbox {

ssize_t receive_with_fds(int socket, void* bytes, std::size_t size, int* fds, int capacity,
                         int& count) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 253)];
  iovec buffer{bytes, size};
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t received = 0;
  do {
    received = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  count = 0;
  if (received < 0) return received;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t fds_here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < fds_here; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      if (count < capacity) {
        fds[count++] = fd;
      } else {
        ::close(fd);
      }
    }
  }
  return received;
}

bool send_with_fds(int socket, const void* bytes, std::size_t size, const int* fds, int count,
                   int flags) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 253)] = {};
  iovec buffer{const_cast<void*>(bytes), size};
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  if (count > 0) {
    const std::size_t fd_bytes = sizeof(int) * static_cast<std::size_t>(count);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fd_bytes);
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(fd_bytes);
    std::memcpy(CMSG_DATA(part), fds, fd_bytes);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | flags) == static_cast<ssize_t>(size);
}

namespace {

// The name that /proc gives an open descriptor, cut at `size`.
void name_of(int fd, char* out, std::size_t size) {
  char link[32];
  (void)std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = ::readlink(link, out, size - 1);
  out[length > 0 ? length : 0] = '\0';
}

// Opens the same directory (or O_PATH file) by the name it has in the caller's tree, inside ours.
// -1 when there is no such thing here, or another one.
int reopened(int fd, const struct stat& info, int flags) {
  char name[PATH_MAX];
  name_of(fd, name, sizeof name);
  if (name[0] != '/') return -1;
  const int kind = S_ISDIR(info.st_mode) ? O_DIRECTORY : O_NOFOLLOW;
  const int fresh = ::open(name, (flags & O_PATH) | kind | O_CLOEXEC);
  if (fresh < 0) return -1;
  struct stat here {};
  if (::fstat(fresh, &here) == 0 && here.st_dev == info.st_dev && here.st_ino == info.st_ino) {
    return fresh;
  }
  ::close(fresh);
  return -1;
}

// Standard output or error that appends to a file: the same file, opened by its name in our tree.
// Through the CLI's mount the file belongs to agentcli, so that /dev/stderr could not be opened.
// Where nothing is appended, the offset is shared with the caller and the descriptor has to stay.
int reopened_to_append(const PassedFd& passed) {
  if (passed.number != STDOUT_FILENO && passed.number != STDERR_FILENO) return -1;
  struct stat info {};
  const int flags = ::fcntl(passed.fd, F_GETFL);
  if (flags < 0 || (flags & O_APPEND) == 0) return -1;
  if (::fstat(passed.fd, &info) != 0 || !S_ISREG(info.st_mode)) return -1;
  const int place = reopened(passed.fd, info, O_PATH);
  if (place < 0) return -1;
  char link[32];
  (void)std::snprintf(link, sizeof link, "/proc/self/fd/%d", place);
  // O_NOFOLLOW is among a descriptor's flags; it would refuse the link in /proc.
  const int fresh = ::open(link, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
  ::close(place);
  return fresh;
}

// Pidfds and seccomp listeners are rights over the CLI's side. Other anonymous inodes (eventfd,
// epoll, timerfd, signalfd, inotify) pass.
bool is_kernel_object(int fd, long type) {
  if (type == PID_FS_MAGIC) return true;
  if (type != ANON_INODE_FS_MAGIC) return false;
  char name[64];
  name_of(fd, name, sizeof name);
  static constexpr const char* kHarmless[] = {"anon_inode:[eventfd]", "anon_inode:[eventpoll]",
                                              "anon_inode:[timerfd]", "anon_inode:[signalfd]",
                                              "anon_inode:inotify",   "anon_inode:[inotify]"};
  for (const char* harmless : kHarmless) {
    if (std::strcmp(name, harmless) == 0) return false;
  }
  return true;
}

// A file of the CLI's own may be written by a command (its output goes to a log of the CLI's), but
// not read, now or by opening it again.
bool is_private(const Job& job, const struct stat& info, int flags) {
  for (unsigned i = 0; i < job.private_dev_count; ++i) {
    if (job.private_devs[i] != info.st_dev) continue;
    const bool always = i < job.secret_dev_count;
    return always || (flags & O_ACCMODE) != O_WRONLY || (info.st_mode & 0044) != 0;
  }
  return false;
}

// 0: passes as it is. A reason otherwise; `fresh` is what may be passed instead, or -1.
std::uint32_t reason_against(const Job& job, int fd, int& fresh) {
  fresh = -1;
  struct stat info {};
  struct statfs system {};
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fstat(fd, &info) != 0 || ::fstatfs(fd, &system) != 0) return kFdKernelObject;
  if (is_kernel_object(fd, system.f_type)) return kFdKernelObject;
  if (is_private(job, info, flags)) return kFdPrivate;
  if (S_ISDIR(info.st_mode) || (flags & O_PATH) != 0) {
    fresh = reopened(fd, info, flags);
    return kFdDirectory;
  }
  if (system.f_type == PROC_SUPER_MAGIC) {
    struct stat ours {};
    if (::stat("/proc", &ours) != 0 || ours.st_dev != info.st_dev) return kFdProc;
  }
  return 0;
}

}  // namespace

void vet_descriptors(int job_socket, Command& command) {
  int kept = 0;
  for (int i = 0; i < command.fd_count; ++i) {
    PassedFd passed = command.fds[i];
    int fresh = -1;
    const std::uint32_t reason = reason_against(command.job, passed.fd, fresh);
    if (reason != 0) {
      ::close(passed.fd);
      passed.fd = fresh;
      if (fresh < 0) {
        report(job_socket, kReportFd, passed.number, reason);
        // A program without its standard descriptors would open a file in their place.
        if (passed.number > STDERR_FILENO) continue;
        passed.fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (passed.fd < 0) continue;
      }
    } else if (fresh = reopened_to_append(passed); fresh >= 0) {
      ::close(passed.fd);
      passed.fd = fresh;
    }
    command.fds[kept++] = passed;
  }
  command.fd_count = kept;
}

}  // namespace runner::sandbox
