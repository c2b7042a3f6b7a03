// T6: the errno of every exec that cannot work, and the way a PATH is walked.
//   errno_table DIR      DIR: empty, writable; everything that is executed is made there
// Prints the same lines whether or not somebody stands between this program and the kernel.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>
#include <vector>

#include "tests/victims/victim.h"

namespace {

void put(const std::string& path, const std::string& bytes, mode_t mode) {
  std::ofstream(path, std::ios::binary) << bytes;
  if (chmod(path.c_str(), mode) != 0) std::exit(1);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

/// The errno of an exec, or how the program that it became ended.
std::string try_exec(const char* path, std::vector<std::string> arguments = {}) {
  std::vector<char*> argv;
  std::string name = "tried";
  argv.push_back(name.data());
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    execve(path, argv.data(), environ);
    const int error = errno;
    _exit(write(report[1], &error, sizeof(error)) > 0 ? 99 : 98);
  }
  close(report[1]);
  int error = 0;
  const bool failed = read(report[0], &error, sizeof(error)) == sizeof(error);
  close(report[0]);
  const std::string end = victim::end_of(child);
  return failed ? victim::errno_name(error) : end;
}

void say_exec(const std::string& what, const std::string& path) {
  victim::say(what, try_exec(path.c_str()));
}

void try_names(const std::string& dir) {
  say_exec("missing file", dir + "/missing");
  say_exec("missing directory", dir + "/missing/file");
  say_exec("directory", dir);
  say_exec("empty path", "");
  say_exec("name of 256 bytes", dir + "/" + std::string(256, 'x'));
  say_exec("path of 5000 bytes", dir + std::string(5000, '/') + "missing");
  victim::say("null path", try_exec(nullptr));
  victim::say("path at a bad address", try_exec(reinterpret_cast<const char*>(8)));
  put(dir + "/plain", "#!/bin/sh\nexit 5\n", 0644);
  say_exec("no x bit", dir + "/plain");
  say_exec("a file as directory", dir + "/plain/x");
  if (symlink("loop", (dir + "/loop").c_str()) != 0) std::exit(1);
  say_exec("symlink to itself", dir + "/loop");
  if (symlink("/bin/false", (dir + "/to-false").c_str()) != 0) std::exit(1);
  say_exec("symlink to a program", dir + "/to-false");
  if (mkdir((dir + "/closed").c_str(), 0755) != 0) std::exit(1);
  put(dir + "/closed/run", "#!/bin/sh\nexit 5\n", 0755);
  if (chmod((dir + "/closed").c_str(), 0600) != 0) std::exit(1);
  say_exec("directory without x", dir + "/closed/run");
  chmod((dir + "/closed").c_str(), 0755);
}

void try_formats(const std::string& dir) {
  put(dir + "/empty", "", 0755);
  say_exec("empty file", dir + "/empty");
  put(dir + "/text", "exit 6\n", 0755);
  say_exec("text without #!", dir + "/text");
  put(dir + "/script", "#!/bin/sh\nexit 5\n", 0755);
  say_exec("script", dir + "/script");
  put(dir + "/no-interpreter", "#!/no/such/interpreter\n", 0755);
  say_exec("interpreter missing", dir + "/no-interpreter");
  put(dir + "/dir-interpreter", "#!/usr\n", 0755);
  say_exec("interpreter is a directory", dir + "/dir-interpreter");
  put(dir + "/plain-interpreter", "#!" + dir + "/plain\n", 0755);
  say_exec("interpreter without x", dir + "/plain-interpreter");
  put(dir + "/blank", "#!\n", 0755);
  say_exec("#! and nothing", dir + "/blank");
  put(dir + "/self", "#!" + dir + "/self\n", 0755);
  say_exec("script that interprets itself", dir + "/self");
  put(dir + "/short-elf", "\177ELF", 0755);
  say_exec("ELF of four bytes", dir + "/short-elf");
  const std::string elf = victim::bytes_of("/bin/true");
  put(dir + "/no-loader", replaced(elf, "/lib64/ld-linux", "/lib64/no-linux"), 0755);
  say_exec("ELF with a missing loader", dir + "/no-loader");
  std::string foreign = elf;
  constexpr std::size_t kMachine = 18;
  foreign[kMachine] = 22;  // s390
  put(dir + "/foreign", foreign, 0755);
  say_exec("ELF for another machine", dir + "/foreign");
}

void try_nested(const std::string& dir) {
  std::string last = "/bin/sh";
  for (int depth = 1; depth <= 7; ++depth) {
    const std::string script = dir + "/nested" + std::to_string(depth);
    put(script, "#!" + last + "\nexit 0\n", 0755);
    say_exec("script nested " + std::to_string(depth), script);
    last = script;
  }
}

void try_odd_files(const std::string& dir) {
  if (mkfifo((dir + "/fifo").c_str(), 0755) != 0) std::exit(1);
  say_exec("fifo", dir + "/fifo");
  const int unix_socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  (dir + "/s").copy(address.sun_path, sizeof(address.sun_path) - 1);
  const bool bound = bind(unix_socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  if (bound && chmod(address.sun_path, 0755) == 0) say_exec("socket", address.sun_path);
  say_exec("device", "/dev/null");
  put(dir + "/busy", victim::bytes_of("/bin/true"), 0755);
  const int writer = open((dir + "/busy").c_str(), O_WRONLY | O_CLOEXEC);
  say_exec("open for writing", dir + "/busy");
  close(writer);
  say_exec("no longer open for writing", dir + "/busy");
}

void try_sizes() {
  constexpr std::size_t kOne = 128UL * 1024;
  victim::say("argument of 128 KiB - 1", try_exec("/bin/true", {std::string(kOne - 1, 'a')}));
  victim::say("argument of 128 KiB", try_exec("/bin/true", {std::string(kOne, 'a')}));
  rlimit stack = {};
  getrlimit(RLIMIT_STACK, &stack);
  const rlimit eight_mb = {8UL << 20, stack.rlim_max};
  setrlimit(RLIMIT_STACK, &eight_mb);
  const std::vector<std::string> below(15, std::string(kOne - 2, 'b'));
  const std::vector<std::string> above(17, std::string(kOne - 2, 'b'));
  victim::say("arguments just below 1/4 stack", try_exec("/bin/true", below));
  victim::say("arguments above 1/4 stack", try_exec("/bin/true", above));
  setrlimit(RLIMIT_STACK, &stack);
}

/// Walks a PATH as execvp does, one line a directory.
void walk_path(const std::string& dir, const std::string& name, int last) {
  for (int i = 1; i <= last; ++i) {
    const std::string number = std::to_string(i);
    std::string program = dir;
    program.append("/path").append(number).append("/").append(name);
    const std::string result = try_exec(program.c_str());
    std::string what = name;
    victim::say(what.append(" in directory ").append(number), result);
    if (result.rfind("exit", 0) == 0) return;
  }
}

void try_path(const std::string& dir) {
  constexpr int kLast = 20;
  std::string path;
  for (int i = 1; i <= kLast; ++i) {
    const std::string place = dir + "/path" + std::to_string(i);
    if (i != 3 && mkdir(place.c_str(), 0755) != 0) std::exit(1);  // the third is missing
    if (i != 1) path += ":";
    path += place;
  }
  put(dir + "/path5/tool", "not to be run", 0644);
  if (mkdir((dir + "/path7/tool").c_str(), 0755) != 0) std::exit(1);
  put(dir + "/path20/tool", "#!/bin/sh\nexit 8\n", 0755);
  put(dir + "/path9/no-x", "exit 9\n", 0644);
  put(dir + "/path4/plain-text", "exit 11\n", 0755);
  walk_path(dir, "tool", kLast);
  setenv("PATH", path.c_str(), 1);
  for (const char* name : {"tool", "no-x", "plain-text", "nowhere"}) {
    victim::say(std::string("execvp ") + name, victim::in_child([name] {
                  execlp(name, name, nullptr);
                  return errno;
                }));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  const std::string dir = argv[1];
  try_names(dir);
  try_formats(dir);
  try_nested(dir);
  try_odd_files(dir);
  try_sizes();
  try_path(dir);
  return 0;
}
