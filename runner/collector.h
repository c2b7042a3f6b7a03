// Knows every job of this runner until its last process is gone, and writes its events.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "audit/client.h"
#include "os/fd.h"

namespace runner {

struct JobInfo {
  std::uint64_t id = 0;
  pid_t caller = 0;
  std::string command;  // printable, bounded
  std::string rule;
  std::string profile;
  std::chrono::steady_clock::time_point started;
  pid_t pid = 0;          // in the sandbox's pid namespace
  bool lingering = false;  // the main process has ended, others have not
};

/// Jobs report over their sockets; the collector reads in batches, a few milliseconds late, so that
/// its wake-ups stay off the path of the next exec.
class Collector {
 public:
  explicit Collector(const audit::Client& audit) : audit_(audit) {}

  /// Before any other call.
  os::Status open();

  /// Takes over the job's socket. Thread-safe.
  void add(os::Fd job_socket, JobInfo info);

  /// Jobs that still have processes, oldest first. Thread-safe.
  std::vector<JobInfo> jobs() const;

  /// Reads reports until the process ends; one thread's whole work.
  void run();

  /// Reads what has been reported so far.
  void drain();

 private:
  struct Entry {
    os::Fd socket;
    JobInfo info;
    bool timed_out = false;
  };
  void read_one(int fd);
  bool take_report(Entry& entry, const std::string& bytes);

  const audit::Client& audit_;
  os::Fd epoll_;
  mutable std::mutex mutex_;
  std::map<int, Entry> entries_;
};

}  // namespace runner
