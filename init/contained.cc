#include "init/contained.h"

#include <array>
#include <cerrno>
#include <utility>

#include "init/hand_back.h"
#include "init/options.h"
#include "init/pid1.h"
#include "init/trees.h"
#include "os/mounts.h"
#include "os/paths.h"
#include "os/process.h"
#include "os/text.h"

namespace init {
namespace {

using os::Error;

// A vendor's CLI that is named by its agent's word only is where the image has it.
os::Status find_program(HostSide& host) {
  std::string& program = host.options.command.front();
  if (host.agent.programs.empty() || program != host.agent.name) return {};
  for (const std::string& name : host.agent.programs) {
    const std::string path = os::join(host.agent.root, '/', name);
    if (os::kind_of(path) != os::Kind::file) continue;
    program = path;
    return {};
  }
  return Error{ENOENT, os::join("find the CLI of --agent ", host.agent.name, " below '",
                                host.agent.root, "': build the image with it")};
}

os::Result<int> run(RunOptions options, const Inherited& inherited) {
  if (!os::is_init()) {
    return Error{EINVAL,
                 "run a session in this container: `agent-init container` must be its first "
                 "process; make it the image's ENTRYPOINT and use no --init"};
  }
  TRY(take_descriptors(options));
  HostSide host = TRY(read_options(std::move(options), inherited));
  TRY(find_program(host));
  TRY(open_what_is_named(host));
  HandBack hand_back = TRY_STEP(HandBack::prepare(host.workspace), "--workspace");
  host.hand_back = &hand_back;
  const int status = run_pid1(host);
  hand_back.finish();  // a session that did not start has not come to it
  return status;
}

}  // namespace

os::Status adopt_container(const Workspace& workspace) {
  TRY_STEP(os::make_all_private(), "grant the container CAP_SYS_ADMIN");
  constexpr std::array kPlaces{"/run", "/root", "/tmp", kHome, kWorkspace, kLibexec};
  for (const char* place : kPlaces) {
    if (os::kind_of(place) == os::Kind::directory) continue;
    return Error{ENOTDIR, os::join("find '", place, "': the image has no such directory; build it ",
                                   "from our Dockerfile")};
  }
  // A linked worktree is where the host has it, so that its repository finds it.
  for (const UserDir& directory : workspace.dirs) {
    if (directory.host == directory.inside) continue;
    const os::Fd mount = TRY(os::clone_mount(directory.host, os::Depth::all));
    TRY(os::attach_mount(mount.get(), directory.inside));
  }
  return {};
}

int container_command(std::span<char*> words, const Inherited& inherited) {
  RunOptions image;
  image.engine = "docker";
  image.workspace = kWorkspace;
  return run_with(parse_run_options(words, std::move(image)), "agent-init container",
                  [&](RunOptions options) { return run(std::move(options), inherited); });
}

}  // namespace init
