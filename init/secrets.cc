#include "init/secrets.h"

#include <fcntl.h>

#include <cerrno>
#include <vector>

#include "init/trees.h"
#include "init/users.h"
#include "os/creds.h"
#include "os/fd.h"
#include "os/process.h"
#include "os/text.h"

namespace init {
namespace {

constexpr std::size_t kLargestSecret = std::size_t{64} << 10;

os::Status write_secret(const std::string& path, const std::string& value) {
  const os::FsUser cli = TRY(os::FsUser::enter(kAgentCli, kAgentCli));
  const os::Fd file = TRY(os::open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  return os::write_all(file.get(), value);
}

// Where the CLI finds a secret: below /run, and in its own directory if it looks for it there.
std::vector<std::string> files_of(const std::string& secret, const policy::Agent& agent) {
  std::vector<std::string> paths{os::join(secrets_dir(agent.name), '/', secret)};
  for (const policy::SecretFile& file : agent.secret_files) {
    if (file.secret != secret) continue;
    paths.push_back(os::join(kHome, '/', agent.home_dir, '/', file.path));
  }
  return paths;
}

os::Status place(const std::string& name, std::string& value, const policy::Agent& agent,
                 runner::SecretValues& values) {
  os::Status done;
  for (const std::string& path : files_of(name, agent)) {
    if (done.ok()) done = write_secret(path, value);
  }
  if (done.ok()) done = values.add(value);
  os::wipe(value);
  return done;
}

os::Status take_secret(const SecretFd& secret, const policy::Agent& agent,
                       runner::SecretValues& values) {
  const os::Fd source(secret.fd);
  std::string value = TRY(os::read_sensitive(source.get(), kLargestSecret));
  return place(secret.name, value, agent, values);
}

}  // namespace

std::string secrets_dir(const std::string& agent) { return os::join("/run/agent-secrets/", agent); }

os::Status take_secrets(std::span<const SecretFd> secrets, const policy::Agent& agent,
                        runner::SecretValues& values) {
  for (const SecretFd& secret : secrets) {
    TRY_STEP(take_secret(secret, agent, values), os::join("take secret '", secret.name, "'"));
  }
  return {};
}

os::Status place_secrets(std::span<ChannelSecret> secrets, const policy::Agent& agent,
                         runner::SecretValues& values) {
  for (ChannelSecret& secret : secrets) {
    if (!is_plain_name(secret.name)) {
      return os::Error{EINVAL, "take a secret: the name must be a plain file name"};
    }
    TRY_STEP(place(secret.name, secret.value, agent, values),
             os::join("take secret '", secret.name, "'"));
  }
  return {};
}

}  // namespace init
