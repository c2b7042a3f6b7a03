// The tree that commands run in; see init/trees.h.

#include "init/stage.h"
#include "init/tree.h"
#include "init/tree_parts.h"
#include "init/trees.h"
#include "init/users.h"
#include "os/mounts.h"
#include "os/paths.h"
#include "os/text.h"

namespace init {
namespace {

using os::Status;

constexpr Owner kOwner = {kAgentUser, kAgentUser};
constexpr os::MountFlags kPlain = os::kNoSuid | os::kNoDev;

Status add_memory_directory(const Tree& tree) {
  const os::Fd shm = TRY(
      os::new_tmpfs({.uid = kAgentUser, .gid = kAgentUser, .mode = 01777}, kPlain | os::kNoExec));
  TRY(os::make_private(shm.get()));
  return tree.attach(shm, "/dev/shm");
}

// HOME has nothing of the CLI's directory but the handover directories.
Status add_handover(const Tree& tree, const SessionOptions& options) {
  for (std::size_t i = 0; i < options.handover.size(); ++i) {
    const policy::Handover& given = options.handover[i];
    const std::string path = os::join(kHome, "/", options.agent_dir, "/", given.path);
    const bool writable = given.access == policy::Access::write;
    const os::MountFlags flags = writable ? kPlain : kPlain | os::kReadOnly;
    TRY(tree.bind(os::join(kStagedHandover, "/", i), path, flags));
  }
  return {};
}

}  // namespace

Status build_task_tree(const SessionMounts& session) {
  Tree tree(kStagedTaskRoot);
  tree.shared("/tmp", kOwner);
  tree.shared("/var/tmp", kOwner);  // a link to it
  tree.shared(kHome, kOwner);
  TRY(tree.system_directories());
  TRY(tree.devices());
  TRY(add_memory_directory(tree));
  TRY(tree.move(kStagedTaskHome, kHome));
  TRY(tree.move(kStagedTmp, "/tmp"));
  TRY(add_workspace(tree, session, Side::task, 0));
  TRY(add_programs(tree, session));
  TRY_STEP(add_handover(tree, session.options), "show handover directories");
  TRY(tree.processes(false));
  TRY(tree.enter());
  return os::write_file("/proc/sys/kernel/ns_last_pid", "100000");
}

}  // namespace init
