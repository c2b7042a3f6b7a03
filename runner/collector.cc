#include "runner/collector.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "audit/actions.h"
#include "os/ready_set.h"
#include "os/socket.h"
#include "runner/sandbox_protocol.h"

namespace runner {
namespace {

constexpr int kBatchMilliseconds = 5;

std::string_view reason_name(std::uint32_t reason) {
  switch (reason) {
    case kFdDirectory:
      return "directory";
    case kFdPrivate:
      return "private";
    case kFdProc:
      return "proc";
    case kFdKernelObject:
      return "kernel-object";
    case kFdBeyondLimit:
      return "beyond-limit";
    default:
      return "unknown";
  }
}

}  // namespace

os::Status Collector::open() {
  epoll_ = TRY(os::make_ready_set());
  return {};
}

void Collector::add(os::Fd job_socket, const policy::Profile& profile, JobInfo info) {
  const int fd = job_socket.get();
  const std::lock_guard lock(mutex_);
  entries_[fd] = Entry{std::move(job_socket), &profile, std::move(info)};
  if (!os::add_to_ready_set(epoll_.get(), fd).ok()) entries_.erase(fd);
}

std::vector<JobInfo> Collector::jobs() const {
  const std::lock_guard lock(mutex_);
  std::vector<JobInfo> out;
  for (const auto& [fd, entry] : entries_) out.push_back(entry.info);
  std::sort(out.begin(), out.end(),
            [](const JobInfo& a, const JobInfo& b) { return a.started < b.started; });
  return out;
}

void Collector::run() {
  for (;;) {
    const auto ready = os::wait_ready(epoll_.get(), -1);
    if (!ready.ok()) return;
    os::pause_for_milliseconds(kBatchMilliseconds);
    for (const int fd : ready.value()) read_one(fd);
  }
}

void Collector::drain() {
  std::vector<int> fds;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [fd, entry] : entries_) fds.push_back(fd);
  }
  for (const int fd : fds) read_one(fd);
}

void Collector::read_one(int fd) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(fd);
  if (found == entries_.end()) return;
  for (;;) {
    auto message = os::receive_message(fd, sizeof(Report), MSG_DONTWAIT);
    if (!message.ok() && message.error().code == EAGAIN) return;
    Next next = Next::gone;
    if (message.ok() && !message.value().end) {
      next = take_report(found->second, message.value().bytes);
    }
    if (next == Next::more) continue;
    Entry entry = std::move(found->second);
    entries_.erase(found);
    os::remove_from_ready_set(epoll_.get(), fd);
    if (next == Next::empty) parking_.give_back(*entry.profile, std::move(entry.socket));
    return;
  }
}

Collector::Next Collector::take_report(Entry& entry, const std::string& bytes) {
  Report report{};
  if (bytes.size() != sizeof report) return Next::gone;
  std::memcpy(&report, bytes.data(), sizeof report);
  if (report.magic != kReportMagic) return Next::gone;
  JobInfo& info = entry.info;
  switch (report.kind) {
    case kReportStarted:
      info.pid = static_cast<pid_t>(report.value);
      return Next::more;
    case kReportTimeout:
      entry.timed_out = true;
      return Next::more;
    case kReportFd:
      audit_.offer(
          audit::fd_withheld(info.id, static_cast<int>(report.value), reason_name(report.detail)));
      return Next::more;
    case kReportExited: {
      audit::ExecEnd end;
      const int status = static_cast<int>(report.value);
      end.id = info.id;
      end.pid = info.caller;
      if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
      if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
      end.duration_us =
          static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                         std::chrono::steady_clock::now() - info.started)
                                         .count());
      end.user_us = report.user_us;
      end.system_us = report.system_us;
      end.max_rss_kb = report.max_rss_kb;
      end.timed_out = entry.timed_out;
      audit_.offer(audit::exec_exited(end));
      info.lingering = true;
      return Next::more;
    }
    case kReportFailed:
      return Next::more;  // its end is reported too
    case kReportEmpty:
      return Next::empty;
    default:
      return Next::gone;
  }
}

}  // namespace runner
