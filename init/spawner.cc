#include "init/spawner.h"

#include <fcntl.h>
#include <linux/sched.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "init/child_error.h"
#include "init/users.h"
#include "os/filter.h"
#include "os/process.h"
#include "os/signals.h"
#include "os/socket.h"
#include "os/text.h"
#include "runner/sandbox_protocol.h"

namespace init {
namespace {

using os::Error;
using os::join;

constexpr int kSocket = 3;       // where agent-sandbox expects its socket
constexpr int kOutOfTheWay = 8;  // above every number that is given out below

// In the child. Returns only if a step failed.
os::Status become_spawner(const SessionMounts& mounts, const std::string& path, int socket) {
  const os::Fd program = TRY(os::open_file(path, O_RDONLY));
  TRY(os::leave_terminal());
  TRY(build_task_tree(mounts));
  {
    // Opened from here: without CAP_SYS_PTRACE nobody else can by /proc/PID/root.
    const os::Fd root = TRY(os::open_file("/", O_PATH | O_DIRECTORY));
    const int fds[] = {root.get()};
    TRY(os::send_message(socket, "root", fds));
  }
  const std::array<int, 3> stdio{0, 1, 2};
  TRY(os::silence(stdio));
  const os::Fd high_program = TRY(os::duplicate(program.get(), kOutOfTheWay));
  TRY(os::place_descriptor(socket, kSocket));
  os::reset_signals();
  return os::exec_file(high_program.get(), {"agent-sandbox"}, {});
}

os::Status set_up(int socket) {
  runner::SandboxSetup setup{};
  setup.magic = runner::kSetupMagic;
  setup.uid = kAgentUser;
  setup.gid = kAgentUser;
  std::string programs;
  for (unsigned i = 0; i < runner::kSandboxFilters; ++i) {
    const os::Filter filter =
        TRY(os::sandbox_filter({.allow_suid = (i & 1) != 0, .allow_userns = (i & 2) != 0}));
    setup.filter_bytes[i] = static_cast<std::uint32_t>(filter.bytes().size());
    programs += filter.bytes();
  }
  std::string message(sizeof setup, '\0');
  std::memcpy(message.data(), &setup, sizeof setup);
  TRY(os::send_message(socket, message + programs));

  const os::Message answer = TRY(os::receive_message(socket, 256));
  runner::SandboxReady ready{};
  if (answer.bytes.size() != sizeof ready) return Error{EPROTO, "hear that it is ready"};
  std::memcpy(&ready, answer.bytes.data(), sizeof ready);
  if (ready.magic != runner::kReadyMagic) return Error{EPROTO, "hear that it is ready"};
  if (ready.error != 0) return Error{static_cast<int>(ready.error), "set it up"};
  return {};
}

os::Result<os::Fd> receive_root(int socket) {
  os::Message message = TRY(os::receive_message(socket, 16));
  if (message.fds.size() != 1) return Error{EPROTO, "receive the root of its tree"};
  return std::move(message.fds.front());
}

}  // namespace

os::Result<Spawner> start_spawner(const SessionMounts& mounts) {
  os::SocketPair pair = TRY(os::seqpacket_pair());
  os::Pipe errors = TRY(os::make_pipe());
  const std::string program = join(kLibexec, "/agent-sandbox");
  errors.write_end = TRY(os::duplicate(errors.write_end.get(), kOutOfTheWay));
  Spawner spawner;
  spawner.child = TRY(os::Child::start(CLONE_NEWPID | CLONE_NEWNS, [&] {
    os::set_process_name("agent-sandbox");
    send_error(errors.write_end.get(), become_spawner(mounts, program, pair.second.get()).error());
    return 125;
  }));
  errors.write_end.reset();
  pair.second.reset();
  if (auto error = await_error(errors.read_end.get())) return std::move(*error);
  spawner.task_root = TRY(receive_root(pair.first.get()));
  TRY(set_up(pair.first.get()));
  spawner.socket = std::move(pair.first);
  return spawner;
}

}  // namespace init
