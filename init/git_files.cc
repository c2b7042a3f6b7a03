#include "init/git_files.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "os/fd.h"
#include "os/paths.h"
#include "os/text.h"

namespace init {
namespace {

using os::Kind;
using os::Status;

constexpr std::size_t kMost = 512;  // mounts that every command's namespace would copy
constexpr std::size_t kPointerLimit = 64U << 10;

std::string below(const std::string& directory, std::string_view name) {
  return directory.empty() ? std::string(name) : os::join(directory, "/", name);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Looks below one directory, through no link.
class Finder {
 public:
  // `workspace`: where the session has its worktree. `own_worktree`: the name under which that is
  // linked; empty if it is not.
  Finder(int root, std::string workspace, std::string own_worktree)
      : root_(root), workspace_(std::move(workspace)), own_worktree_(std::move(own_worktree)) {}

  // `.git` of a worktree is a directory, or a file that names one elsewhere.
  Status worktree() {
    if (kind(".git") == Kind::file) return add(".git", true);
    if (kind(".git") != Kind::directory) return {};
    TRY(add(".git", false));
    return repository(".git");
  }

  // A repository, and those of its submodules: a list of directories, not a recursion.
  Status repository(const std::string& top) {
    std::vector<std::string> left = {top};
    while (!left.empty()) {
      const std::string directory = std::move(left.back());
      left.pop_back();
      if (directory == top || kind(below(directory, "HEAD")) == Kind::file) {
        if (directory != top) TRY(submodule(directory));
        TRY(one_repository(directory));
        TRY(directories_in(below(directory, "modules"), left));
      } else {
        TRY(directories_in(directory, left));  // `modules/lib/name`
      }
    }
    return {};
  }

  std::vector<GitFile> take() { return std::move(found_); }

 private:
  Kind kind(const std::string& path) const {
    const os::Result<os::Fd> entry = os::open_beneath(root_, path, O_PATH | O_NOFOLLOW);
    return entry.ok() ? os::kind_at(entry.value().get(), "") : Kind::nothing;
  }

  Status add(std::string path, bool read_only) {
    if (found_.size() == kMost) {
      return os::Error{E2BIG, os::join("protect git files: more than ", kMost,
                                       " of them; start the session in a submodule")};
    }
    found_.push_back({std::move(path), read_only});
    return {};
  }

  Status one_repository(const std::string& repository) {
    const std::string hooks = below(repository, "hooks");
    const std::string info = below(repository, "info");
    const std::string worktrees = below(repository, "worktrees");
    if (kind(hooks) == Kind::directory) TRY(add(hooks, true));
    if (kind(below(info, "attributes")) == Kind::file) {
      TRY(add(info, false));
      TRY(add(below(info, "attributes"), true));
    }
    std::vector<std::string> linked;
    TRY(directories_in(worktrees, linked));
    for (const std::string& worktree : linked) {
      TRY(linked_worktree(worktree));
    }
    return {};
  }

  Status linked_worktree(const std::string& worktree) {
    TRY(add(worktree, false));
    std::vector<const char*> names = {"gitdir", "commondir"};
    if (is_elsewhere(worktree)) names.insert(names.end(), {"HEAD", "index"});
    for (const char* name : names) {
      if (kind(below(worktree, name)) == Kind::file) TRY(add(below(worktree, name), true));
    }
    return {};
  }

  // A linked worktree to which no path of the session leads: `git worktree prune` takes it for gone
  // and would remove what git keeps of it.
  bool is_elsewhere(const std::string& worktree) const {
    if (os::base_of(worktree) == own_worktree_) return false;
    const os::Result<std::string> pointer = read(below(worktree, "gitdir"));
    if (!pointer.ok()) return false;
    const std::string_view path = trimmed(pointer.value());
    return path.starts_with('/') && !path.starts_with(os::join(workspace_, '/'));
  }

  // Its directory, and the .git file of the place where it is checked out.
  Status submodule(const std::string& repository) {
    TRY(add(repository, false));
    const os::Result<std::string> config = read(below(repository, "config"));
    if (!config.ok()) return {};
    const std::optional<std::string> worktree = worktree_of(config.value());
    if (!worktree) return {};
    const std::string pointer = normal_path("/" + repository, *worktree + "/.git").substr(1);
    if (kind(pointer) == Kind::file) TRY(add(pointer, true));
    return {};
  }

  Status directories_in(const std::string& directory, std::vector<std::string>& out) const {
    const os::Result<os::Fd> opened = os::open_beneath(root_, directory, O_RDONLY | O_DIRECTORY);
    if (!opened.ok()) return {};
    for (const std::string& name : TRY(os::list_directory(opened.value().get()))) {
      const std::string path = below(directory, name);
      if (kind(path) == Kind::directory) out.push_back(path);
    }
    return {};
  }

  os::Result<std::string> read(const std::string& path) const {
    const os::Fd file = TRY(os::open_beneath(root_, path, O_RDONLY | O_NONBLOCK));
    return os::read_all(file.get(), kPointerLimit);
  }

  int root_;
  std::string workspace_;
  std::string own_worktree_;
  std::vector<GitFile> found_;
};

// Where a pointer file leads, links resolved; `base` is where relative ones start.
std::optional<std::string> resolved(const std::string& base, std::string_view pointer) {
  os::Result<std::string> real = os::real_path(normal_path(base, std::string(trimmed(pointer))));
  if (!real.ok()) return std::nullopt;
  return std::move(real).value();
}

std::optional<std::string> pointer_in(const std::string& file) {
  os::Result<std::string> text = os::read_file(file, kPointerLimit);
  if (!text.ok()) return std::nullopt;
  return std::move(text).value();
}

}  // namespace

os::Result<std::vector<GitFile>> find_git_files(int root, const std::string& workspace) {
  Finder finder(root, workspace, "");
  TRY(finder.worktree());
  return finder.take();
}

os::Result<std::vector<GitFile>> find_repository_files(int repository, const std::string& workspace,
                                                       const std::string& name) {
  Finder finder(repository, workspace, name);
  TRY(finder.repository(""));
  return finder.take();
}

std::optional<LinkedRepository> linked_repository(const std::string& worktree,
                                                  const std::string& inside_worktree) {
  if (os::kind_of(worktree + "/.git") != Kind::file) return std::nullopt;
  const std::optional<std::string> text = pointer_in(worktree + "/.git");
  const std::optional<std::string> named = text ? gitdir_of(*text) : std::nullopt;
  const std::optional<std::string> gitdir = named ? resolved(worktree, *named) : std::nullopt;
  if (!gitdir || os::base_of(os::parent_of(*gitdir)) != "worktrees") return std::nullopt;

  const std::string repository = os::parent_of(os::parent_of(*gitdir));
  const std::optional<std::string> back = pointer_in(*gitdir + "/gitdir");
  const std::optional<std::string> common = pointer_in(*gitdir + "/commondir");
  if (!back || !common) return std::nullopt;
  if (resolved(*gitdir, *back) != worktree + "/.git") return std::nullopt;
  if (resolved(*gitdir, *common) != repository) return std::nullopt;
  if (os::is_below(repository, worktree)) return std::nullopt;  // it is in the workspace already
  const std::string inside = normal_path(inside_worktree, *named);
  return LinkedRepository{repository, os::parent_of(os::parent_of(inside)), os::base_of(*gitdir)};
}

std::optional<std::string> gitdir_of(std::string_view git_file) {
  constexpr std::string_view kKey = "gitdir:";
  if (git_file.substr(0, kKey.size()) != kKey) return std::nullopt;
  const std::string_view path = trimmed(git_file.substr(kKey.size()));
  if (path.empty()) return std::nullopt;
  return std::string(path);
}

std::optional<std::string> worktree_of(std::string_view config) {
  for (const std::string& line : os::split(config, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string_view text = line;
    if (trimmed(text.substr(0, equals)) != "worktree") continue;
    const std::string_view value = trimmed(text.substr(equals + 1));
    if (!value.empty()) return std::string(value);
  }
  return std::nullopt;
}

std::string normal_path(const std::string& base, const std::string& path) {
  std::vector<std::string> components;
  const std::string whole = path.substr(0, 1) == "/" ? path : os::join(base, "/", path);
  for (const std::string& component : os::split(whole, '/')) {
    if (component == ".." && !components.empty()) components.pop_back();
    if (!component.empty() && component != "." && component != "..") {
      components.push_back(component);
    }
  }
  std::string normal;
  for (const std::string& component : components) normal += os::join("/", component);
  return normal.empty() ? "/" : normal;
}

}  // namespace init
