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

// What follows on stdin is the CLI's: not a byte more is read, and stdin stays open.
os::Result<std::string> read_secret(const SecretFd& secret) {
  if (secret.size == 0) {
    const os::Fd source(secret.fd);
    return os::read_sensitive(source.get(), kLargestSecret);
  }
  if (secret.size > kLargestSecret) {
    return os::Error{EFBIG, os::join("read it (limit ", kLargestSecret, " bytes)")};
  }
  return os::read_sensitive_exactly(secret.fd, secret.size);
}

os::Status take_secret(const SecretFd& secret, const policy::Agent& agent,
                       runner::SecretValues& values) {
  std::string value = TRY(read_secret(secret));
  os::Status done;
  for (const std::string& path : files_of(secret.name, agent)) {
    if (done.ok()) done = write_secret(path, value);
  }
  if (done.ok()) done = values.add(value);
  os::wipe(value);
  return done;
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

}  // namespace init
