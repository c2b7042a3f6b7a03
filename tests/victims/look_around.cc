// From inside a sandbox: what is there that should not be? Prints facts; the driver judges.
//   look_around
#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <csignal>
#include <fstream>
#include <vector>

#include "tests/victims/victim.h"

namespace {

std::vector<std::string> entries(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  closedir(directory);
  return names;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

void tell_run() {
  for (const std::string& name : entries("/run")) victim::say("run", name);
  for (const char* path :
       {"/run/agent-secrets", "/run/agent-init", "/run/agent-data", "/run/agent-data-export",
        "/run/agent-task-runner", "/run/coding-agents", "/var/run/agent-secrets"}) {
    struct stat info = {};
    victim::say(std::string("stat ") + path, victim::outcome(stat(path, &info)));
  }
}

void tell_status() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    const std::string key = line.substr(0, line.find(':'));
    for (const char* wanted : {"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd",
                               "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "NSpid"}) {
      if (key == wanted) victim::say("status " + key, line.substr(line.find(':') + 2));
    }
  }
}

std::string first_line(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  std::getline(in, line);
  for (char& letter : line) letter = letter == '\0' ? ' ' : letter;
  return line;
}

std::string uid_of(const std::string& pid) {
  struct stat info = {};
  return stat(("/proc/" + pid).c_str(), &info) == 0 ? std::to_string(info.st_uid) : "gone";
}

void try_process(pid_t pid) {
  const std::string name = std::to_string(pid);
  char byte = 0;
  iovec local = {&byte, 1};
  iovec remote = {reinterpret_cast<void*>(0x400000), 1};
  const std::string traced =
      victim::outcome(ptrace(PTRACE_SEIZE, pid, 0, 0));  // leaves with us, if it works
  const bool readable =
      process_vm_readv(pid, &local, 1, &remote, 1, 0) != -1 || (errno != EPERM && errno != EACCES);
  const int memory = open(("/proc/" + name + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  const int environment = open(("/proc/" + name + "/environ").c_str(), O_RDONLY | O_CLOEXEC);
  const long pidfd = syscall(SYS_pidfd_open, pid, 0);
  const long stolen = syscall(SYS_pidfd_getfd, pidfd, 0, 0);
  const bool root = !entries("/proc/" + name + "/root").empty();
  victim::say(
      "process " + name,
      "uid=" + uid_of(name) + " comm=" + first_line("/proc/" + name + "/comm") +
          " signal=" + victim::outcome(kill(pid, 0)) + " ptrace=" + traced +
          " vm=" + (readable ? "ok" : "refused") + " mem=" + (memory < 0 ? "refused" : "ok") +
          " environ=" + (environment < 0 ? "refused" : "ok") +
          " getfd=" + (stolen < 0 ? "refused" : "ok") + " root=" + (root ? "ok" : "refused"));
}

void tell_processes() {
  for (const std::string& name : entries("/proc")) {
    if (!is_number(name)) continue;
    const auto pid = static_cast<pid_t>(victim::number(name.c_str()));
    if (pid != getpid()) try_process(pid);
  }
}

/// Processes that /proc may hide still have numbers.
void signal_numbers() {
  long found = 0;
  for (pid_t pid = 1; pid <= 32768; ++pid) {
    if (pid == getpid() || kill(pid, 0) != 0) continue;
    ++found;
    victim::say("signal reaches", std::to_string(pid));
  }
  victim::say("signals sent to others", std::to_string(found));
}

void tell_mounts() {
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) victim::say("mount", line);
}

void tell_devices() {
  for (const std::string& name : entries("/dev")) victim::say("dev", name);
}

void tell_sockets() {
  // No socket of the host or of the supervisor may be there by its abstract name either.
  std::ifstream in("/proc/net/unix");
  for (std::string line; std::getline(in, line);) {
    const std::size_t at = line.find('@');
    if (at != std::string::npos) victim::say("abstract socket", line.substr(at));
  }
}

}  // namespace

int main() {
  victim::refuse_root();
  tell_run();
  tell_status();
  tell_mounts();
  tell_devices();
  tell_sockets();
  tell_processes();
  signal_numbers();
  return 0;
}
