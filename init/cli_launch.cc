#include "init/cli_launch.h"

#include <fcntl.h>

#include <cerrno>
#include <optional>

#include "init/cli_env.h"
#include "init/cli_message.h"
#include "init/cli_program.h"
#include "init/enforcement.h"
#include "init/trees.h"
#include "init/users.h"
#include "os/capabilities.h"
#include "os/creds.h"
#include "os/filter.h"
#include "os/landlock.h"
#include "os/text.h"

namespace init {
namespace {

using os::Error;
using os::Result;
using os::Status;
using policy::Protection;

constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

// The CLI's own programs, besides the one that is started.
struct OwnPrograms {
  std::vector<os::FileId> ids;
  std::vector<os::Fd> files;
};

Result<OwnPrograms> open_own_programs(const policy::Agent& agent) {
  OwnPrograms own;
  for (const std::string& name : agent.programs) {
    const std::string path = os::join(agent.root, '/', name);
    const auto id = os::file_id_at(AT_FDCWD, path);
    if (!id.ok() && id.error().code == ENOENT) continue;  // not part of this version of the CLI
    own.ids.push_back(TRY(id));
    TRY(add_program_files(path, own.files));
  }
  return own;
}

// Nothing but these files can be executed, whatever the trap lets through by mistake.
std::optional<os::Fd> execute_ruleset(const CliStart& start, const CliProgram& program,
                                      const OwnPrograms& own) {
  if (!offered(Protection::landlock, *start.hidden)) return std::nullopt;
  std::vector<int> files{start.relay};
  for (const os::Fd& file : program.files) files.push_back(file.get());
  for (const os::Fd& file : own.files) files.push_back(file.get());
  auto ruleset = os::execute_only(files);
  if (!ruleset.ok()) return std::nullopt;
  return std::move(ruleset).value();
}

// Whoever executes a file that he cannot read is not dumpable, and then only CAP_SYS_PTRACE may
// look into him.
Status check_readable(const std::vector<os::Fd>& files) {
  for (const os::Fd& file : files) {
    if (os::may_read(file.get())) continue;
    const std::string path =
        TRY(os::read_link_at(AT_FDCWD, os::join("/proc/self/fd/", file.get())));
    return Error{EACCES, os::join("execute '", path, "' as agentcli, who cannot read it, without ",
                                  "CAP_SYS_PTRACE: chmod a+r it, or grant the capability")};
  }
  return {};
}

// What the CLI's processes must be to be looked into as agentcli. Since they cannot protect
// themselves from it, what a crash leaves in the workspace must not have their memory.
Status become_traceable(const CliStart& start, const CliProgram& program, const OwnPrograms& own) {
  if (start.trap == os::Trap::none) {
    TRY(os::set_dumpable(true));
  } else {
    TRY(check_readable(program.files));
    TRY(check_readable(own.files));
    TRY(os::offer_to_tracers());
  }
  return os::keep_memory_out_of_cores();
}

// The filter, with its listener where there is one.
Result<os::Fd> install_filters(const CliStart& start) {
  if (!offered(Protection::bpf, *start.hidden)) return os::Fd();
  const os::Filter filter =
      TRY(os::cli_filter({.trap = start.trap, .stays_dumpable = start.traced_as_itself}));
  if (start.trap != os::Trap::notify) {
    TRY(os::install_filter(filter));
    return os::Fd();
  }
  return os::install_listener(filter);
}

// The last steps, after which this process is agentcli. What needs root comes first.
Result<CliMessage> confine(const CliStart& start, const CliProgram& program,
                           CliDescriptors& opened) {
  const OwnPrograms own = TRY(open_own_programs(*start.agent));
  const std::optional<os::Fd> ruleset = execute_ruleset(start, program, own);
  opened.root = TRY(os::open_file("/", O_PATH | O_DIRECTORY));
  TRY(os::become_powerless(kAgentCli, kAgentCli));
  if (start.traced_as_itself) TRY(become_traceable(start, program, own));
  TRY(os::change_directory(start.directory));
  os::drop_held_stdio(start.closed_stdio);
  if (start.terminal) {
    const os::Pty pty = TRY(os::open_pty(*start.terminal));
    TRY(os::enter_terminal(pty.slave.get()));
    opened.terminal = TRY(os::duplicate(pty.master.get()));
  }
  opened.listener = TRY(install_filters(start));
  const bool landlock = ruleset.has_value() && start.trap != os::Trap::none;
  if (landlock) TRY(os::restrict_self(ruleset->get()));
  CliMessage ready;
  ready.word = CliWord::ready;
  ready.protections = {.trap = start.trap,
                       .bpf = offered(Protection::bpf, *start.hidden),
                       .landlock = landlock,
                       .memfd_noexec = start.memfd_noexec};
  ready.own_programs = own.ids;
  return ready;
}

int report_failure(const CliStart& start, const Error& error, int exit_code) {
  CliMessage message;
  message.value = error.code;
  message.exit_code = exit_code;
  message.text = error.step;
  const Status ignored = send_cli_message(start.socket, message);
  static_cast<void>(ignored);  // PID 1 sees the exit code at least
  return exit_code;
}

int exit_code_for(const Error& error) {
  return error.code == ENOENT || error.code == ENOTDIR ? kNotFound : kNotExecutable;
}

}  // namespace

int run_cli(const CliStart& start) {
  constexpr int kSetUpFailed = 125;
  auto program = find_cli_program(start.command, value_of(start.env, "PATH"), start.directory);
  if (!program.ok()) return report_failure(start, program.error(), exit_code_for(program.error()));
  CliDescriptors opened;
  const auto ready = confine(start, program.value(), opened);
  if (!ready.ok()) return report_failure(start, ready.error(), kSetUpFailed);
  const Status sent = send_cli_message(start.socket, ready.value(), opened);
  if (!sent.ok()) return kSetUpFailed;
  opened = {};
  if (!await_go(start.socket).ok()) return kSetUpFailed;
  os::withdraw_offer();
  // From here on the program must see nothing that was not meant for it.
  os::close_others({start.socket});
  os::restore_signals(start.signals);
  const Error error = os::exec_path(program.value().path, program.value().argv, start.env);
  return report_failure(start, error, exit_code_for(error));
}

}  // namespace init
