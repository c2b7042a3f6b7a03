// The tree that the vendor CLI runs in; see init/trees.h.

#include "init/stage.h"
#include "init/tree.h"
#include "init/tree_parts.h"
#include "init/trees.h"
#include "init/users.h"
#include "os/mounts.h"
#include "os/paths.h"
#include "os/text.h"
#include "runner/sandbox_protocol.h"

namespace init {
namespace {

using os::Depth;
using os::Status;

constexpr Owner kOwner = {kAgentCli, kAgentCli};

// A mount with exchanged ids is one that fs.protected_symlinks does not work on: commands could
// leave links for the CLI to follow.
constexpr os::MountFlags kProgram = os::kReadOnly | os::kNoSuid | os::kNoDev;
constexpr os::MountFlags kShown =
    os::kNoSuid | os::kNoDev | os::kNoExec;  // they cannot write there
constexpr os::MountFlags kShared = kShown | os::kNoSymFollow;

os::Result<os::Fd> shared_with_commands(const SessionMounts& session, const std::string& staged,
                                        os::MountFlags flags = kShared) {
  os::Fd mount = TRY(os::clone_mount(staged, Depth::one));
  if (session.swap.valid()) TRY(os::map_ids(mount.get(), session.swap.get(), Depth::one));
  TRY(os::add_flags(mount.get(), flags, Depth::one));
  return mount;
}

Status add_handover(const Tree& tree, const SessionMounts& session) {
  const SessionOptions& options = session.options;
  for (std::size_t i = 0; i < options.handover.size(); ++i) {
    const policy::Handover& given = options.handover[i];
    if (given.access == policy::Access::none) continue;
    const os::MountFlags flags = given.access == policy::Access::read ? kShown : kShared;
    const os::Fd mount =
        TRY(shared_with_commands(session, os::join(kStagedHandover, "/", i), flags));
    const std::string path = os::join(kHome, "/", options.agent_dir, "/", given.path);
    TRY(tree.attach_as(kOwner, mount, path));
  }
  return {};
}

// Unbindable mounts can be moved. Capabilities and exports are not for the CLI to see.
Status add_secrets(const Tree& tree, const SessionOptions& options) {
  const std::string secrets = secret_dir(options.agent);
  const std::string data = data_dir(options.agent, options.session);
  TRY(tree.move(secrets, secrets));
  TRY(tree.move(data, data));
  for (const std::string& path : {secrets, data}) TRY(tree.seal(kOwner, path));
  return {};
}

}  // namespace

os::Result<CliTree> build_cli_tree(const SessionMounts& session) {
  Tree tree(kStagedCliRoot);
  tree.shared("/tmp", kOwner);
  tree.shared("/var/tmp", kOwner);  // a link to it
  TRY(tree.system_directories());
  TRY(tree.devices());
  TRY(tree.move(kStagedCliShm, "/dev/shm"));
  TRY(tree.move(kHome, kHome));
  if (!session.options.agent_dir.empty()) {
    TRY(tree.seal(kOwner, os::join(kHome, "/", session.options.agent_dir)));
  }
  const os::Fd tmp = TRY(shared_with_commands(session, kStagedTmp));
  TRY(tree.attach(tmp, "/tmp"));
  TRY(add_workspace(tree, session, Side::cli, os::kNoExec));
  TRY(add_programs(tree, session));
  if (session.options.relay_for_cli)
    TRY(tree.bind(runner::kRelayPath, runner::kRelayPath, kProgram));
  TRY_STEP(add_handover(tree, session), "show handover directories");
  TRY_STEP(add_secrets(tree, session.options), "show secrets");
  TRY(tree.processes(true));
  TRY(tree.enter());
  return CliTree{os::write_file("/proc/sys/vm/memfd_noexec", "2").ok()};
}

}  // namespace init
