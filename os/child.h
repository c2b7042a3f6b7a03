// One child process, held by a pidfd so that its number cannot come to mean another process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "os/fd.h"
#include "os/result.h"

namespace os {

/// How a process ended.
struct ExitStatus {
  bool signalled = false;
  int value = 0;  // the exit code, or the signal that ended it

  /// From the status of waitpid(2) of a process that has ended.
  static ExitStatus from_wait(int status);
  /// What a shell reports: the exit code, or 128+n.
  int shell_code() const { return signalled ? 128 + value : value; }
  /// `exit code 3`, `SIGTERM`.
  std::string text() const;
  bool operator==(const ExitStatus&) const = default;
};

/// Owns the duty to reap a child. A Child that is dropped unreaped stays a zombie until somebody
/// waits for any child, as PID 1 does.
class Child {
 public:
  Child() = default;

  /// Runs `body` in a new process, which exits with its value. `namespaces` are CLONE_NEW* flags:
  /// the child is the first process of a new pid namespace with CLONE_NEWPID. The caller must have
  /// no threads. Descriptors are shared as by fork(2); the pidfd is close-on-exec.
  static Result<Child> start(std::uint64_t namespaces, const std::function<int()>& body);

  pid_t pid() const { return pid_; }
  /// Readable once the process has ended.
  int pidfd() const { return pidfd_.get(); }
  /// False before start() and after the status was taken.
  bool running() const { return pid_ > 0; }

  /// ESRCH once it has been reaped.
  Status signal(int number) const;

  /// Its status if it has ended, which reaps it.
  Result<std::optional<ExitStatus>> poll();
  Result<ExitStatus> wait();

  /// Somebody who reaps all children took this one's status.
  void reaped() { pid_ = 0; }

 private:
  Child(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_ = 0;
  Fd pidfd_;
};

/// A descriptor that names a process, our child or not; pidfd_open(2). The caller makes sure that
/// `pid` means the right one at this moment.
Result<Fd> open_process(pid_t pid);
/// ESRCH once it has been reaped. pidfd_send_signal(2).
Status signal_process(int pidfd, int number);

struct Reaped {
  pid_t pid;
  ExitStatus status;
  int stopped_by = 0;  // the signal, of a child that has stopped and not ended
};

/// Reaps one ended child of any kind, none if no child has ended; with `tell`, also tells once of
/// each that has stopped. waitpid(2) with __WALL.
enum class Stops { leave, tell };
std::optional<Reaped> reap_one(Stops stops = Stops::leave);

/// True while this process has a child, running or not reaped yet.
bool has_children();

/// Ends this process with all its threads; nothing is flushed or destroyed. _exit(2).
[[noreturn]] void exit_now(int code);

/// Signals every process this one may signal, itself and the first of its pid namespace excepted.
void signal_all(int number);

}  // namespace os
