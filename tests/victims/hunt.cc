// A command that looks for a secret: in files, in the memory, environment and descriptors of every
// process, in its own environment and arguments; then it tries to change the outside.
//   hunt CANARY [PLACE...]     CANARY: what to look for; PLACE: directories to search besides
// The canary comes in parts "HEAD+TAIL", so that our own command line is no hit.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/victims/victim.h"

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMost = 4UL << 20;  // bytes of a file that are looked at

struct Hunt {
  std::string canary;
  long files = 0;
  long hits = 0;

  void look_at(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd == -1) return;
    ++files;
    std::string bytes;
    char block[65536];
    for (ssize_t got = 0; bytes.size() < kMost && (got = read(fd, block, sizeof(block))) > 0;)
      bytes.append(block, static_cast<std::size_t>(got));
    close(fd);
    if (bytes.find(canary) == std::string::npos) return;
    ++hits;
    victim::say("HIT", path);
  }

  void walk(const std::string& place) {
    std::error_code error;
    fs::recursive_directory_iterator it(place, fs::directory_options::skip_permission_denied,
                                        error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      std::error_code ignored;
      if (it->is_regular_file(ignored)) look_at(it->path());
    }
  }

  void memory_of(const std::string& process) {
    std::ifstream maps(process + "/maps");
    const int memory = open((process + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    for (std::string line; memory != -1 && std::getline(maps, line);) {
      // 7f00-8f00 r-xp …
      char* rest = nullptr;
      const unsigned long from = std::strtoul(line.c_str(), &rest, 16);
      const unsigned long to = std::strtoul(rest + 1, &rest, 16);
      if (rest[1] != 'r' || to - from > kMost) continue;
      std::string bytes(to - from, '\0');
      const ssize_t got = pread(memory, bytes.data(), bytes.size(), static_cast<off_t>(from));
      if (got <= 0 || bytes.find(canary) == std::string::npos) continue;
      ++hits;
      std::string place = process;
      victim::say("HIT", place.append("/mem ").append(line));
    }
    if (memory != -1) close(memory);
  }

  void processes() {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
      const std::string process = entry.path();
      if (process.find_first_of("0123456789") == std::string::npos) continue;
      look_at(process + "/environ");
      look_at(process + "/cmdline");
      if (process == "/proc/" + std::to_string(getpid())) continue;
      memory_of(process);
      walk_links(process + "/fd");
      for (const char* way : {"/root/run", "/cwd"}) walk(process + way);
    }
  }

  void walk_links(const std::string& directory) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
      struct stat info = {};
      const std::string path = entry.path();
      if (stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode)) look_at(path);
    }
  }

  void itself(char** argv) {
    for (char** text = environ; *text != nullptr; ++text) own_text("environment", *text);
    for (char** text = argv; *text != nullptr; ++text) own_text("argument", *text);
  }

  void own_text(const std::string& where, const std::string& text) {
    if (text.find(canary) == std::string::npos) return;
    ++hits;
    victim::say("HIT", where + " " + text.substr(0, text.find('=')));
  }
};

void write_outside() {
  for (const char* path :
       {"/etc/planted", "/usr/bin/planted", "/planted", "/run/planted", "/opt/planted",
        "/var/lib/planted", "/proc/sys/kernel/core_pattern", "/sys/kernel/planted", "/dev/planted",
        "/root/planted", "/proc/1/oom_score_adj"}) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    victim::say(std::string("write ") + path, victim::outcome(fd));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  victim::refuse_root();
  Hunt hunt;
  hunt.canary = argv[1];
  const std::size_t plus = hunt.canary.find('+');
  if (plus != std::string::npos) hunt.canary.erase(plus, 1);
  hunt.itself(argv);
  for (const char* place : {"/run", "/tmp", "/home", "/workspace", "/var", "/etc", "/root", "/opt"})
    hunt.walk(place);
  for (int i = 2; i < argc; ++i) hunt.walk(argv[i]);
  hunt.processes();
  write_outside();
  victim::say("files", std::to_string(hunt.files));
  victim::say("hits", std::to_string(hunt.hits));
  return 0;
}
