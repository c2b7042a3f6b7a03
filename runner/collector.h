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
#include "policy/profile.h"
#include "runner/parking.h"

namespace runner {

struct JobInfo {
  std::uint64_t id = 0;
  pid_t caller = 0;
  std::string command;  // printable, bounded
  std::string rule;
  std::string profile;
  std::chrono::steady_clock::time_point started;
  pid_t pid = 0;           // in the sandbox's pid namespace
  bool lingering = false;  // the main process has ended, others have not
};

/// Jobs report over their sockets; the collector reads in batches, a few milliseconds late, so that
/// its wake-ups stay off the path of the next exec.
class Collector {
 public:
  Collector(const audit::Client& audit, Parking& parking) : audit_(audit), parking_(parking) {}

  /// Before any other call.
  os::Status open();

  /// Takes over the job's socket; the sandbox goes back to the parking when it is empty.
  /// Thread-safe.
  void add(os::Fd job_socket, const policy::Profile& profile, JobInfo info);

  /// Jobs that still have processes, oldest first. Thread-safe.
  std::vector<JobInfo> jobs() const;

  /// Reads reports until the process ends; one thread's whole work.
  void run();

  /// Reads what has been reported so far.
  void drain();

 private:
  struct Entry {
    os::Fd socket;
    const policy::Profile* profile = nullptr;
    JobInfo info;
    bool timed_out = false;
  };
  enum class Next { more, empty, gone };
  void read_one(int fd);
  Next take_report(Entry& entry, const std::string& bytes);

  const audit::Client& audit_;
  Parking& parking_;
  os::Fd epoll_;
  mutable std::mutex mutex_;
  std::map<int, Entry> entries_;
};

}  // namespace runner
