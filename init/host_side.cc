#include "init/host_side.h"

#include <fcntl.h>

#include <array>
#include <utility>

#include "os/log.h"
#include "os/text.h"

namespace init {
namespace {

constexpr int kFailed = 125;

// The programs of a vendor's CLI are where --cli-dir says, or where the image has them.
std::string agent_root(const RunOptions& options) {
  return options.agent == "custom" || options.cli_dirs.empty() ? "" : options.cli_dirs.front();
}

}  // namespace

os::Status take_descriptors(const RunOptions& options) {
  std::vector<int> kept;
  for (const SecretFd& secret : options.secrets) {
    TRY_STEP(os::set_cloexec(secret.fd, true), os::join("--secret-fd ", secret.fd));
    kept.push_back(secret.fd);
  }
  os::close_others(std::move(kept));
  os::make_reopenable(std::array<int, 3>{0, 1, 2});
  return {};
}

os::Result<HostSide> read_options(RunOptions options, const Inherited& inherited) {
  HostSide host;
  host.signals = inherited.signals;
  host.closed_stdio = inherited.closed_stdio;
  host.policy = TRY_STEP(policy::load_policy(options.policy), "--policy");
  host.agent = TRY_STEP(policy::load_agent(options.agent, agent_root(options)), "--agent");
  host.session = TRY(os::random_hex(12));
  if (options.name.empty()) options.name = os::join("agent-", host.session.substr(0, 6));
  host.options = std::move(options);
  return host;
}

os::Status open_what_is_named(HostSide& host) {
  const RunOptions& options = host.options;
  if (!options.events.empty()) {
    host.events =
        TRY_STEP(os::open_file(options.events, O_RDWR | O_APPEND | O_CREAT, 0600), "--events");
  }
  const FoundBy eyes = options.engine == "local" ? FoundBy::root : FoundBy::owner;
  host.workspace = TRY_STEP(
      prepare_workspace(options.workspace,
                        offered(policy::Protection::workspace_idmap, options.hidden), eyes),
      "--workspace");
  return {};
}

int run_with(os::Result<RunOptions> options, std::string_view program,
             const std::function<os::Result<int>(RunOptions)>& session) {
  if (!options.ok()) {
    os::report(os::join(options.error().step, "; see ", program, " --help"));
    return kFailed;
  }
  os::set_log_verbose(options.value().verbose);
  if (!os::is_root()) {
    os::report("a session needs root: run it with sudo");
    return kFailed;
  }
  auto status = session(std::move(options).value());
  if (!status.ok()) {
    os::report(status.error().text());
    return kFailed;
  }
  return status.value();
}

}  // namespace init
