// Tries every call that leaves a set-user-ID or set-group-ID bit on a file.
//   set_id_bits DIR      files are made in DIR
// Also tries the ways in which no mode is passed at all (io_uring, xattrs, openat2).
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "tests/victims/victim.h"

namespace {

constexpr mode_t kSuid = 04755;
constexpr mode_t kSgid = 02755;

struct Place {
  std::string dir;
  int count = 0;

  std::string fresh() {
    return dir + "/file" + std::to_string(++count) + "-" + std::to_string(getpid());
  }

  std::string made() {
    std::string path = fresh();
    close(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
    return path;
  }
};

/// Says what the call gave, and whether the bit is there.
void attempt(const std::string& what, const std::string& path, long result) {
  const std::string answer = victim::outcome(result);
  struct stat info = {};
  const bool set = stat(path.c_str(), &info) == 0 && (info.st_mode & (S_ISUID | S_ISGID)) != 0;
  victim::say(what, answer + (set ? ", SET" : ""));
}

void change_modes(Place& place, mode_t mode, const std::string& name) {
  std::string path = place.made();
  attempt("chmod " + name, path, chmod(path.c_str(), mode));
  path = place.made();
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  attempt("fchmod " + name, path, fchmod(fd, mode));
  attempt("fchmodat " + name, path, syscall(SYS_fchmodat, AT_FDCWD, path.c_str(), mode));
  constexpr long kFchmodat2 = 452;
  attempt("fchmodat2 " + name, path, syscall(kFchmodat2, fd, "", mode, AT_EMPTY_PATH));
  attempt("fchmodat2 flags 0 " + name, path, syscall(kFchmodat2, AT_FDCWD, path.c_str(), mode, 0));
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  attempt("chmod by /proc/self/fd " + name, path, chmod(link.c_str(), mode));
  // Bits above the mode are cut off by the kernel: a filter must cut them too.
  attempt("chmod with high bits " + name, path,
          syscall(SYS_chmod, path.c_str(), 0xFFFFFFFF00000000UL | mode));
  attempt("chmod with file type " + name, path, syscall(SYS_chmod, path.c_str(), S_IFREG | mode));
  close(fd);
}

void create_files(Place& place, mode_t mode, const std::string& name) {
  std::string path = place.fresh();
  const int create = O_WRONLY | O_CREAT | O_CLOEXEC;
  attempt("open " + name, path, syscall(SYS_open, path.c_str(), create, mode));
  path = place.fresh();
  attempt("openat " + name, path, openat(AT_FDCWD, path.c_str(), create | O_EXCL, mode));
  path = place.fresh();
  attempt("creat " + name, path, syscall(SYS_creat, path.c_str(), mode));
  path = place.fresh();
  attempt("mknod " + name, path, syscall(SYS_mknod, path.c_str(), S_IFREG | mode, 0));
  path = place.fresh();
  attempt("mknodat " + name, path, syscall(SYS_mknodat, AT_FDCWD, path.c_str(), S_IFREG | mode, 0));
  path = place.fresh();
  attempt("mkfifo " + name, path, syscall(SYS_mknodat, AT_FDCWD, path.c_str(), S_IFIFO | mode, 0));
  path = place.fresh();
  unsigned long how[3] = {O_WRONLY | O_CREAT | O_CLOEXEC, mode, 0};
  attempt("openat2 " + name, path, syscall(SYS_openat2, AT_FDCWD, path.c_str(), how, sizeof(how)));
  path = place.fresh();
  const int unnamed = openat(AT_FDCWD, place.dir.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
  const std::string link = "/proc/self/fd/" + std::to_string(unnamed);
  if (unnamed != -1 &&
      linkat(AT_FDCWD, link.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0)
    victim::say("O_TMPFILE link", victim::errno_name(errno));
  attempt("O_TMPFILE " + name, path, unnamed);
  path = place.fresh();
  attempt("mkdir " + name, path, syscall(SYS_mkdir, path.c_str(), mode));
  path = place.fresh();
  attempt("mkdirat " + name, path, syscall(SYS_mkdirat, AT_FDCWD, path.c_str(), mode));
}

/// A file capability would be worth as much as the bit.
void file_capability(Place& place) {
  const std::string path = place.made();
  const unsigned capability[5] = {0x02000001, 0xFFFFFFFF, 0, 0, 0};
  victim::say("setxattr security.capability",
              victim::outcome(setxattr(path.c_str(), "security.capability", capability,
                                       sizeof(capability), 0)));
}

void io_uring() {
  char parameters[120] = {};
  victim::say("io_uring_setup", victim::outcome(syscall(SYS_io_uring_setup, 4, parameters)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  umask(0);
  Place place;
  place.dir = argv[1];
  for (const auto& [mode, name] :
       {std::pair(kSuid, "4755"), std::pair(kSgid, "2755"), std::pair(kSuid | kSgid, "6755")}) {
    change_modes(place, mode, name);
    create_files(place, mode, name);
  }
  file_capability(place);
  io_uring();
  const std::string path = place.made();
  attempt("control: chmod 0700", path, chmod(path.c_str(), 0700));
  attempt("control: open 0640", path, open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
  return 0;
}
