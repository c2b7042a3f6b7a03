#include "tests/runner/trap_harness.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "audit/client.h"
#include "os/creds.h"
#include "os/filter.h"
#include "os/listener.h"
#include "os/signals.h"
#include "os/socket.h"
#include "os/text.h"
#include "runner/sandbox_protocol.h"

namespace test_support {
namespace {

std::string program(const char* variable) {
  const char* path = std::getenv(variable);
  return path != nullptr ? path : "";
}

std::string_view bytes_of(const auto& object) {
  return {reinterpret_cast<const char*>(&object), sizeof object};
}

}  // namespace

TrapHarness::TrapHarness(const std::string& policy) {
  const auto done = set_up(policy);
  if (!done.ok()) problem_ = done.error().text();
}

TrapHarness::~TrapHarness() {
  for (os::Child* child : {&runner_, &sandbox_, &drain_}) {
    if (!child->running()) continue;
    (void)child->signal(SIGKILL);
    (void)child->wait();
  }
}

os::Status TrapHarness::set_up(const std::string& policy) {
  policy_ = TRY(policy::parse_policy(policy, "test"));
  agent_ = TRY(policy::load_agent("custom"));
  session.id = "test";
  session.agent = "custom";
  session.trap = os::Trap::notify;
  session.policy = &policy_;
  session.agent_rules = &agent_;
  auto audit = TRY(audit::make_channel());
  audit_in_ = std::move(audit.first);
  audit_out_ = std::move(audit.second);
  relay_ = TRY(os::open_file(program("AGENT_RELAY"), O_RDONLY));
  root_ = TRY(os::open_file("/", O_PATH | O_DIRECTORY));
  channels.audit = audit_in_.get();
  channels.audit_state = TRY(audit::map_shared_state());
  channels.relay = relay_.get();
  channels.task_root = root_.get();
  channels.cli_root = root_.get();
  channels.slots = TRY(runner::map_slots());
  // Stands for agent-auditd: whatever is recorded is taken.
  drain_ = TRY(os::Child::start(0, [&]() -> int {
    for (;;) {
      const auto message = os::receive_message(audit_out_.get());
      if (message.ok() && message.value().end) return 0;
    }
  }));
  TRY(start_sandbox());
  channels.spawner = spawner_.get();
  return {};
}

os::Status TrapHarness::start_sandbox() {
  const std::string path = program("AGENT_SANDBOX");
  os::SocketPair pair = TRY(os::seqpacket_pair());
  sandbox_ = TRY(os::Child::start(CLONE_NEWPID | CLONE_NEWNS, [&]() -> int {
    if (::mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) != 0) return 99;
    if (::mount("proc", "/proc", "proc", 0, nullptr) != 0) return 99;
    if (::dup2(pair.second.get(), 3) < 0) return 99;
    (void)os::set_cloexec(3, false);
    ::execl(path.c_str(), "agent-sandbox", nullptr);
    return 99;
  }));
  runner::SandboxSetup setup{};
  setup.magic = runner::kSetupMagic;
  setup.uid = session.task_uid;
  setup.gid = session.task_uid;
  std::string filters;
  for (unsigned i = 0; i < runner::kSandboxFilters; ++i) {
    const auto filter = TRY(os::sandbox_filter({(i & 1) != 0, (i & 2) != 0}));
    setup.filter_bytes[i] = static_cast<std::uint32_t>(filter.bytes().size());
    filters += filter.bytes();
  }
  TRY(os::send_message(pair.first.get(), std::string(bytes_of(setup)) + filters));
  const auto ready = TRY(os::receive_message(pair.first.get()));
  if (ready.bytes.size() != sizeof(runner::SandboxReady))
    return os::Error{EPROTO, "start the sandbox"};
  spawner_ = std::move(pair.first);
  return {};
}

void TrapHarness::start_runner() {
  auto started = os::Child::start(0, [&]() -> int {
    os::block_all_signals();
    return runner::run_daemon(session, channels);
  });
  if (started.ok()) runner_ = std::move(started).value();
}

void TrapHarness::restart_runner() {
  (void)runner_.signal(SIGKILL);
  (void)runner_.wait();
  runner::answer_all(*channels.slots, channels.listener, EIO);
  start_runner();
}

os::ExitStatus TrapHarness::as_cli(const std::function<int()>& body) {
  std::fflush(nullptr);  // or the child would print what is buffered once more
  auto pair = os::seqpacket_pair();
  if (!pair.ok()) return {};
  auto cli = os::Child::start(0, [&]() -> int {
    const auto filter = os::cli_filter();
    if (!filter.ok() || !os::become(session.cli_uid, session.cli_uid).ok()) return 98;
    if (!os::no_new_privs().ok()) return 98;
    auto listener = os::install_listener(filter.value(), true);
    if (!listener.ok()) return 97;
    const int fd = listener.value().get();
    if (!os::send_message(pair.value().second.get(), "l", {{fd}}).ok()) return 96;
    listener.value().reset();
    os::close_from(3);
    return body();
  });
  if (!cli.ok()) return {};
  pair.value().second.reset();
  auto message = os::receive_message(pair.value().first.get());
  if (!message.ok() || message.value().fds.size() != 1) return {true, 0};
  listener_ = std::move(message.value().fds.front());
  channels.listener = listener_.get();
  start_runner();
  const auto status = cli.value().wait();
  (void)runner_.signal(SIGKILL);
  (void)runner_.wait();
  return status.ok() ? status.value() : os::ExitStatus{true, 0};
}

int spawn_and_wait(const std::vector<std::string>& argv) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execv(words[0], words.data());
    ::_exit(200 + (errno & 31));
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

std::string output_of(const std::vector<std::string>& argv, int* status) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], 1);
    ::dup2(ends[1], 2);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execv(words[0], words.data());
    ::_exit(200);
  }
  ::close(ends[1]);
  const auto text = os::read_all(ends[0]);
  ::close(ends[0]);
  int ended = -1;
  ::waitpid(pid, &ended, 0);
  if (status != nullptr) *status = ended;
  return text.ok() ? text.value() : text.error().text();
}

}  // namespace test_support
