// Builds a session's three mount trees without anything else of a session, and runs shell commands
// in them. For the kernel tests of init/trees.h, and to look around in a tree by hand.
//
//   tree-shell --workspace DIR [--cli-dir DIR] [--agent-dir DIR] [--handover DIR] [--no-idmap]
//
// reads lines `TREE UID COMMAND` from stdin, TREE being init, task or cli, and runs each by sh.
// Their output goes to stdout; a command that fails is followed by a line `[status N]`.

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "init/trees.h"
#include "init/users.h"
#include "os/capabilities.h"
#include "os/child.h"
#include "os/creds.h"
#include "os/socket.h"
#include "os/text.h"

namespace {

using init::SessionMounts;

constexpr int kSetupFailed = 125;

// What PID 1 has left of its rights when it makes the session's mounts.
constexpr std::array kCapabilities = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SETUID,
                                      CAP_SETGID,    CAP_SETPCAP,    CAP_KILL};

struct Options {
  std::string workspace;
  init::SessionOptions session;
};

int report(const os::Error& error) {
  std::cerr << "tree-shell: " << error.text() << std::endl;
  return kSetupFailed;
}

// Runs `command` as `uid` and returns when it has ended.
int run_command(uid_t uid, const std::string& command) {
  os::Result<os::Child> child = os::Child::start(0, [&] {
    if (uid != 0 && !os::become(uid, uid).ok()) return kSetupFailed;
    ::umask(022);
    ::setenv("HOME", init::kHome, 1);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    return 127;
  });
  if (!child.ok()) return report(child.error());
  const os::Result<os::ExitStatus> status = child.value().wait();
  return status.ok() ? status.value().shell_code() : report(status.error());
}

struct Line {
  std::string tree;
  uid_t uid = 0;
  std::string command;
};

bool parse(const std::string& text, Line& line) {
  std::istringstream words(text);
  if (!(words >> line.tree >> line.uid)) return false;
  std::getline(words >> std::ws, line.command);
  return true;
}

// The first process of a tree: does what it is told until its socket closes.
int serve(int socket) {
  for (;;) {
    const os::Result<os::Message> message = os::receive_message(socket);
    if (!message.ok()) return report(message.error());
    if (message.value().end) return 0;
    Line line;
    if (!parse(message.value().bytes, line)) return kSetupFailed;
    const int code = run_command(line.uid, line.command);
    if (!os::send_message(socket, std::to_string(code)).ok()) return kSetupFailed;
  }
}

int enter(const std::string& tree, const SessionMounts& mounts, int socket) {
  if (tree == "task") {
    const os::Status built = init::build_task_tree(mounts);
    if (!built.ok()) return report(built.error());
  } else {
    const os::Result<init::CliTree> built = init::build_cli_tree(mounts);
    if (!built.ok()) return report(built.error());
  }
  return serve(socket);
}

// One tree's process and the socket to it.
struct Server {
  os::Child child;
  os::Fd socket;
};

os::Result<Server> start(const std::string& tree, const SessionMounts& mounts) {
  os::SocketPair pair = TRY(os::seqpacket_pair());
  os::Child child = TRY(os::Child::start(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC, [&] {
    pair.first.reset();
    return enter(tree, mounts, pair.second.get());
  }));
  return Server{std::move(child), std::move(pair.first)};
}

os::Result<int> ask(const Server& server, const std::string& text) {
  TRY(os::send_message(server.socket.get(), text));
  const os::Message reply = TRY(os::receive_message(server.socket.get()));
  if (reply.end) return os::Error{EPIPE, "the tree's process has ended"};
  int code = kSetupFailed;
  std::istringstream(reply.bytes) >> code;
  return code;
}

os::Result<int> run_session(const Options& options, const init::Workspace& workspace,
                            const std::string& libexec) {
  init::ViewOptions view;
  view.workspace = &workspace;
  view.cli_dirs = options.session.cli_dirs;
  view.libexec = libexec;
  TRY_STEP(init::prepare_container_view(view), "prepare the view");
  TRY(os::limit_capabilities(kCapabilities));
  const SessionMounts mounts = TRY_STEP(init::mount_session(options.session), "mount the session");
  for (const init::MountWay& way : mounts.ways) {
    std::cerr << "way " << way.path << ' ' << init::way_name(way.way) << '\n';
  }
  const os::Fd socket = TRY(os::listen_unix(init::kTaskSocket, 0666, os::SocketType::seqpacket));
  std::map<std::string, Server> servers;
  for (const char* tree : {"task", "cli"}) {
    servers.emplace(tree, TRY_STEP(start(tree, mounts), tree));
  }
  std::string text;
  while (std::getline(std::cin, text)) {
    Line line;
    if (text.empty() || text.front() == '#') continue;
    if (!parse(text, line)) return os::Error{EINVAL, "read line '" + text + "'"};
    const auto server = servers.find(line.tree);
    const int code = server == servers.end() ? run_command(line.uid, line.command)
                                             : TRY_STEP(ask(server->second, text), line.tree);
    if (code != 0) std::cout << "[status " << code << "]" << std::endl;
  }
  return 0;
}

int run(Options options, bool idmap, const std::string& libexec) {
  const os::Result<init::Workspace> workspace = init::prepare_workspace(options.workspace, idmap);
  if (!workspace.ok()) return report(workspace.error());
  options.session.agent = "claude";
  options.session.session = "session-1";
  options.session.workspace = &workspace.value();
  options.session.idmap = idmap;
  os::Result<os::Child> first =
      os::Child::start(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS, [&] {
        const os::Result<int> code = run_session(options, workspace.value(), libexec);
        std::cout.flush();
        return code.ok() ? code.value() : report(code.error());
      });
  if (!first.ok()) return report(first.error());
  const os::Result<os::ExitStatus> status = first.value().wait();
  const os::Status handed = init::hand_back_workspace(workspace.value());
  if (!handed.ok()) return report(handed.error());
  return status.ok() ? status.value().shell_code() : report(status.error());
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  bool idmap = true;
  std::string libexec;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--no-idmap") {
      idmap = false;
      continue;
    }
    const std::string value = i + 1 < argc ? argv[++i] : "";
    if (word == "--workspace") {
      options.workspace = value;
    } else if (word == "--cli-dir") {
      options.session.cli_dirs.push_back(value);
    } else if (word == "--agent-dir") {
      options.session.agent_dir = value;
    } else if (word == "--handover") {
      options.session.handover.push_back({value, policy::Access::write, "a test"});
    } else if (word == "--libexec") {
      libexec = value;
    } else {
      std::cerr << "tree-shell: unknown option " << word << std::endl;
      return 2;
    }
  }
  return run(std::move(options), idmap, libexec);
} catch (const std::exception& error) {
  std::cerr << "tree-shell: " << error.what() << std::endl;
  return kSetupFailed;
}
