// Prints an event log with every action in it, as senders and agent-auditd make them.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "audit/actions.h"
#include "audit/client.h"
#include "audit/daemon.h"
#include "os/fd.h"
#include "os/socket.h"
#include "os/text.h"

namespace {

audit::Exec sample_exec(const std::vector<std::string>& argv) {
  audit::Exec exec;
  exec.id = 1;
  exec.pid = 30;
  exec.path = "/usr/bin/git";
  exec.argv = argv;
  exec.cwd = "/workspace";
  exec.verdict = "run";
  exec.rule = "default";
  exec.profile = "default";
  return exec;
}

os::Status send_samples(const audit::Client& client) {
  audit::SessionStart start;
  start.name = "demo";
  start.agent = "custom";
  start.engine = "local";
  start.policy = "default";
  start.version = "0.1.0";
  start.workspace = "/srv/project";
  TRY(client.record(audit::session_start(start)));
  TRY(client.record(audit::enforcement(std::vector<std::pair<std::string, std::string>>{
      {"uid-split", "full"}, {"landlock", "partial"}, {"apparmor", "none"}})));

  const std::vector<std::string> line{"git", "log", "\xff\x1b[31m"};
  audit::Exec exec = sample_exec(line);
  TRY(client.record(audit::exec_allowed(exec)));
  const std::vector<std::string> long_line(200, std::string(2000, 'x'));
  exec.argv = long_line;
  TRY(client.record(audit::exec_allowed(exec)));
  exec.verdict = "ask";
  TRY(client.record(audit::exec_asked(exec, 60)));
  exec.verdict = "deny";
  exec.profile = "";
  exec.explicit_route = true;
  TRY(client.record(audit::exec_denied(exec, "no network tools")));

  audit::ExecEnd end;
  end.id = 1;
  end.pid = 30;
  end.exit_code = 0;
  client.offer(audit::exec_exited(end));
  end.exit_code.reset();
  end.signal = 9;
  client.offer(audit::exec_exited(end));

  client.offer(audit::secret_withheld(1, "environment", "API_KEY"));
  client.offer(audit::secret_withheld(1, "arguments", ""));
  client.offer(audit::fd_withheld(1, 7, "directory"));
  TRY(client.record(audit::runner_restarted(8, 9, 1, 2, "SIGKILL")));
  TRY(client.record(audit::workspace_changed(
      {"/workspace/.git/config", "git-config", "core.pager", "./pager", "changed", true, false})));
  TRY(client.record(
      audit::workspace_changed({"/workspace/.envrc", "host-tool", "", "", "new", false, true})));
  TRY(client.record(audit::session_end({0, "cli-exited", 1500})));
  return client.finish();
}

os::Status write_log(const std::string& path) {
  const os::SocketPair channel = TRY(audit::make_channel());
  audit::SharedState* state = TRY(audit::map_shared_state());
  state->opened.store(true);  // half a line is ours then
  state->dropped.store(1);
  TRY(os::write_file(path, "{\"specversion\":"));
  TRY(os::send_message(channel.first.get(), "no record"));
  TRY(send_samples(audit::Client(channel.first.get(), state)));

  audit::DaemonConfig config;
  config.socket = channel.second.get();
  config.state = state;
  config.session = "sample";
  config.log_path = path;
  config.owner = ::getpid();
  if (audit::run_auditd(config) != 0) return os::Error{EIO, "agent-auditd"};
  return os::write_all(STDOUT_FILENO, TRY(os::read_file(path)));
}

}  // namespace

int main() {
  std::string directory = "/tmp/sample_events.XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  const std::string path = directory + "/events.log";
  const os::Status written = write_log(path);
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
  if (written.ok()) return 0;
  std::fprintf(stderr, "%s\n", written.error().text().c_str());
  return 1;
}
