#include "os/walk.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "os/fd.h"
#include "os/paths.h"
#include "os/text.h"

namespace os {
namespace {

// O_PATH on `name` in `directory`: not through a link, not into another mount.
Result<Fd> open_entry(int directory, const std::string& name) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV;
  const long fd = ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof(how));
  if (fd < 0) return last_error(join("open '", name, "'"));
  return Fd(static_cast<int>(fd));
}

bool passed_over(const Error& error) {
  return error.code == ENOENT || error.code == EXDEV || error.code == EAGAIN ||
         error.code == ELOOP || error.code == ENOTDIR;
}

// A directory on the way down: the entries left to visit, and what it is, to know it again when
// the walk comes back through `..`.
struct Level {
  FileId id;
  std::vector<std::string> left;
};

class Walk {
 public:
  explicit Walk(const std::function<Status(const Visited&)>& visit) : visit_(visit) {}

  Status run(int root) {
    Fd start = TRY(open_at(root, ".", O_PATH | O_DIRECTORY));
    TRY(enter(std::move(start)));
    while (!levels_.empty()) {
      if (levels_.back().left.empty()) {
        TRY(leave());
        continue;
      }
      const std::string name = std::move(levels_.back().left.back());
      levels_.back().left.pop_back();
      TRY(look_at(name));
    }
    return {};
  }

 private:
  Status enter(Fd directory) {
    const struct stat info = TRY(stat_fd(directory.get()));
    TRY(visit_({directory.get(), info}));
    Result<std::vector<std::string>> names = list_directory(directory.get());
    if (!names.ok() && passed_over(names.error())) return {};
    std::vector<std::string> left = TRY(std::move(names));
    levels_.push_back({{info.st_dev, info.st_ino}, std::move(left)});
    here_ = std::move(directory);
    return {};
  }

  Status look_at(const std::string& name) {
    Result<Fd> entry = open_entry(here_.get(), name);
    if (!entry.ok() && passed_over(entry.error())) return {};
    Fd opened = TRY(std::move(entry));
    const struct stat info = TRY(stat_fd(opened.get()));
    if (S_ISDIR(info.st_mode)) {
      TRY_STEP(enter(std::move(opened)), join("in '", name, "'"));
    } else {
      TRY_STEP(visit_({opened.get(), info}), join("at '", name, "'"));
    }
    return {};
  }

  Status leave() {
    levels_.pop_back();
    if (levels_.empty()) return {};
    Fd up = TRY(open_at(here_.get(), "..", O_PATH | O_DIRECTORY));
    const FileId id = TRY(file_id(up.get()));
    if (id != levels_.back().id) {
      return Error{ESTALE, "walk a tree: a directory was moved away under the walk"};
    }
    here_ = std::move(up);
    return {};
  }

  const std::function<Status(const Visited&)>& visit_;
  Fd here_;
  std::vector<Level> levels_;
};

}  // namespace

Status walk_tree(int root, const std::function<Status(const Visited&)>& visit) {
  return Walk(visit).run(root);
}

Result<Fd> reopen(int entry, int flags) {
  return open_file(join("/proc/self/fd/", entry), flags | O_NONBLOCK);
}

}  // namespace os
