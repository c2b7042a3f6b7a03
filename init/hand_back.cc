#include "init/hand_back.h"

#include <linux/sched.h>

#include <algorithm>
#include <array>
#include <utility>

#include "os/log.h"
#include "os/process.h"
#include "os/text.h"

namespace init {
namespace {

int wait_and_hand_back(const os::Fd& go, const Workspace& workspace) {
  os::set_process_name("agent-handback");
  const std::array<int, 2> silenced{0, 1};
  if (!os::silence(silenced).ok()) return 1;
  os::close_others({go.get()});
  if (!os::read_some(go.get(), 1).ok()) return 1;
  const os::Status done = hand_back_workspace(workspace);
  if (done.ok()) return 0;
  os::report(done.error().text());
  return 1;
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
                                              return wait_and_hand_back(go.read_end, workspace);
                                            }),
                           "start agent-handback");
  keeper.go_ = std::move(go.write_end);
  return keeper;
}

void HandBack::finish() {
  if (!child_.running()) return;
  // Not by closing it: daemons that are forked have it as well.
  static_cast<void>(os::write_all(go_.get(), "!").ok());
  const auto status = child_.wait();
  child_.reaped();
  if (status.ok() && status.value() == os::ExitStatus{false, 0}) return;
  os::report(os::join("not all of the workspace was handed back: ",
                      status.ok() ? status.value().text() : status.error().text()));
}

}  // namespace init
