#include "init/secrets.h"

#include <fcntl.h>

#include "init/users.h"
#include "os/creds.h"
#include "os/fd.h"
#include "os/process.h"
#include "os/text.h"

namespace init {
namespace {

constexpr std::size_t kLargestSecret = 64 * 1024;

os::Status write_secret(const std::string& path, const std::string& value) {
  const os::FsUser cli = TRY(os::FsUser::enter(kAgentCli, kAgentCli));
  const os::Fd file = TRY(os::open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  return os::write_all(file.get(), value);
}

os::Status take_secret(const SecretFd& secret, const std::string& agent,
                       runner::SecretValues& values) {
  const os::Fd source(secret.fd);
  std::string value = TRY(os::read_sensitive(source.get(), kLargestSecret));
  os::Status done = write_secret(os::join(secrets_dir(agent), '/', secret.name), value);
  if (done.ok()) done = values.add(value);
  os::wipe(value);
  return done;
}

}  // namespace

std::string secrets_dir(const std::string& agent) {
  return os::join("/run/agent-secrets/", agent);
}

os::Status take_secrets(std::span<const SecretFd> secrets, const std::string& agent,
                        runner::SecretValues& values) {
  for (const SecretFd& secret : secrets) {
    TRY_STEP(take_secret(secret, agent, values), os::join("take secret '", secret.name, "'"));
  }
  return {};
}

}  // namespace init
