#include "init/hand_back.h"

#include <linux/sched.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <utility>

#include "os/capabilities.h"
#include "os/creds.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/signals.h"
#include "os/text.h"

namespace init {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kBetweenReports{5};
constexpr std::chrono::seconds kImpatience{1};  // one request to end may come as two signals

os::Status keep_needed_rights() {
  TRY(os::set_dumpable(false));
  TRY(os::limit_capabilities(kGiveBack));
  return os::no_new_privs();
}

// A session may have made millions of files; whoever waits reads why.
class Progress {
 public:
  void count() {
    ++files_;
    if (Clock::now() < next_) return;
    next_ = Clock::now() + kBetweenReports;
    os::report(os::join("giving the workspace back: ", files_, " files so far"));
  }

 private:
  std::uint64_t files_ = 0;
  Clock::time_point next_ = Clock::now() + kBetweenReports;
};

os::Status wait_and_hand_back(const os::Fd& go, const Workspace& workspace) {
  os::set_process_name("agent-handback");
  TRY(keep_needed_rights());
  const std::array<int, 2> silenced{0, 1};
  TRY(os::silence(silenced));
  os::close_others({go.get()});
  TRY(os::read_some(go.get(), 1));
  Progress progress;
  return hand_back_workspace(workspace, [&] { progress.count(); });
}

}  // namespace

os::Result<HandBack> HandBack::prepare(const Workspace& workspace) {
  HandBack keeper;
  const bool listed = std::any_of(workspace.dirs.begin(), workspace.dirs.end(),
                                  [](const UserDir& dir) { return dir.way == Way::acl; });
  if (!listed) return keeper;
  os::Pipe go = TRY(os::make_pipe());
  // The session's mounts are none of its own.
  keeper.child_ = TRY_STEP(os::Child::start(CLONE_NEWNS,
                                            [&] {
                                              go.write_end.reset();
                                              const auto done =
                                                  wait_and_hand_back(go.read_end, workspace);
                                              if (!done.ok()) os::report(done.error().text());
                                              return done.ok() ? 0 : 1;
                                            }),
                           "start agent-handback");
  keeper.go_ = std::move(go.write_end);
  return keeper;
}

void HandBack::finish() {
  if (!child_.running()) return;
  // Not by closing it: daemons that are forked have it as well.
  static_cast<void>(os::write_all(go_.get(), "!").ok());
  if (const auto waited = await_end(); !waited.ok()) os::note(waited.error().text());
  const auto status = child_.wait();
  child_.reaped();
  if (status.ok() && status.value() == os::ExitStatus{false, 0}) return;
  os::report(os::join("not all of the workspace was handed back: ",
                      status.ok() ? status.value().text() : status.error().text()));
}

// PID 1 must not be deaf meanwhile: nobody else can tell why the container does not end.
os::Status HandBack::await_end() {
  os::Loop loop = TRY(os::Loop::make());
  const os::Fd signals = TRY(os::signal_descriptor());
  TRY(loop.watch(child_.pidfd(), EPOLLIN, [&] {
    loop.stop();
    return os::Status();
  }));
  TRY(loop.watch(signals.get(), EPOLLIN, [&] { return on_signals(signals.get()); }));
  return loop.run();
}

os::Status HandBack::on_signals(int signals) {
  for (auto next = os::next_signal(signals); next.ok(); next = os::next_signal(signals)) {
    if (next.value().number != SIGTERM && next.value().number != SIGINT) continue;
    const auto now = Clock::now();
    if (asked_to_end_ == Clock::time_point{}) {
      asked_to_end_ = now;
      os::report(
          "the session has ended, its workspace is being given back; another signal ends "
          "that, and the end of the next session does the rest");
    } else if (now - asked_to_end_ >= kImpatience) {
      TRY(child_.signal(SIGKILL));
    }
  }
  return {};
}

}  // namespace init
