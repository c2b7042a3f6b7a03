#include "runner/workspace_files.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "os/lookup.h"
#include "os/paths.h"
#include "os/text.h"
#include "runner/git_config.h"

namespace runner {
namespace {

using os::Kind;

constexpr std::size_t kMaxConfig = std::size_t{256} * 1024;
constexpr std::size_t kMaxContent = std::size_t{1024} * 1024;
constexpr std::size_t kMaxBytes = std::size_t{64} * 1024 * 1024;  // of all contents together
constexpr std::size_t kMaxConfigs = 128;
constexpr std::size_t kMaxFiles = 4096;
constexpr std::size_t kMaxDirectories = 2000;
constexpr std::size_t kMaxNames = 20000;
constexpr int kMaxDepth = 3;
constexpr mode_t kExecutable = S_IXUSR | S_IXGRP | S_IXOTH;

// What runs on the host when somebody opens, enters or commits in the directory; docs/policy.md has
// the list. Of directories, the files directly in them.
constexpr std::array<std::string_view, 9> kToolFiles = {
    ".devcontainer.json",      ".envrc",       ".lefthook.yml", ".mcp.json",   ".mise.toml",
    ".pre-commit-config.yaml", "lefthook.yml", "mise.toml",     "package.json"};
constexpr std::array<std::string_view, 7> kToolDirectories = {
    ".claude", ".codex", ".cursor", ".devcontainer", ".gemini", ".husky", ".vscode"};

template <std::size_t size>
bool one_of(const std::array<std::string_view, size>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string digest_of(std::string_view bytes) {
  std::string digest(crypto_generichash_BYTES_MIN, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()), digest.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr,
                     0);
  return digest;
}

// The scripts of a package.json: what else changes in it runs nothing.
std::string scripts_of(const std::string& package) {
  const auto parsed = nlohmann::json::parse(package, nullptr, false);
  if (!parsed.is_object()) return package;
  const auto scripts = parsed.find("scripts");
  return scripts == parsed.end()
             ? std::string()
             : scripts->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// `base`/`path` without `.` and `..`.
std::string normal(const std::string& base, const std::string& path) {
  std::vector<std::string> parts;
  for (std::string& part :
       os::split(path.starts_with('/') ? path : os::join(base, "/", path), '/')) {
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(std::move(part));
  }
  std::string out;
  for (const std::string& part : parts) out.append("/").append(part);
  return out;
}

// One walk. What it finds is bounded, and so is how long it looks.
class Survey {
 public:
  explicit Survey(const WorkspaceView& view) : view_(view) {}

  // The repositories that are known come first: a tree that is too large does not hide them.
  WorkspaceFiles run() {
    for (const WorkspaceRoot& root : view_.roots()) {
      const std::string repository = root.repository ? root.inside : root.inside + "/.git";
      if (kind(repository) == Kind::directory) repositories_.push_back(repository);
    }
    look_at_repositories();
    for (const WorkspaceRoot& root : view_.roots()) {
      if (!root.repository) walk(root.inside);
    }
    look_at_repositories();
    return std::move(out_);
  }

 private:
  struct Directory {
    std::string path;
    int depth;
  };

  Kind kind(const std::string& path) const {
    const auto entry = view_.open_path(path, O_PATH);
    return entry.ok() ? os::kind_at(entry.value().get(), "") : Kind::nothing;
  }

  std::vector<std::string> names_in(const std::string& path) {
    const auto directory = view_.open_path(path, O_RDONLY | O_DIRECTORY);
    const std::size_t most = kMaxNames - names_;
    auto names = directory.ok() ? os::list_directory(directory.value().get(), most)
                                : os::Result<std::vector<std::string>>(directory.error());
    if (!names.ok()) {
      if (names.error().code == EACCES) out_.files[path] = {kNotAllLookedAt, "not to be listed"};
      return {};
    }
    names_ += names.value().size();
    if (names_ == kMaxNames) out_.complete = false;
    return std::move(names).value();
  }

  void walk(const std::string& top) {
    std::vector<Directory> left{{top, 0}};
    for (std::size_t looked = 0; !left.empty(); ++looked) {
      if (looked == kMaxDirectories) {
        out_.complete = false;
        return;
      }
      const Directory directory = std::move(left.back());
      left.pop_back();
      const std::vector<std::string> names = names_in(directory.path);
      if (is_repository(names)) repositories_.push_back(directory.path);
      for (const std::string& name : names) look_at(directory, name, left);
    }
  }

  // git takes any directory with these for a repository, whatever its name is.
  static bool is_repository(const std::vector<std::string>& names) {
    constexpr std::array kParts = {"HEAD", "objects", "refs"};
    return std::all_of(kParts.begin(), kParts.end(), [&](const char* part) {
      return std::binary_search(names.begin(), names.end(), part);
    });
  }

  void look_at(const Directory& directory, const std::string& name, std::vector<Directory>& left) {
    const std::string path = directory.path + "/" + name;
    if (one_of(kToolFiles, name)) return check(path, kHostTool);
    if (one_of(kToolDirectories, name)) return check_all_in(path, kHostTool);
    if (name == "node_modules") return;
    const Kind is = kind(path);
    if (name == ".git" && is == Kind::directory) {
      repositories_.push_back(path);
    } else if (name == ".git") {
      check(path, kGitDir);
    } else if (is == Kind::directory && directory.depth < kMaxDepth) {
      left.push_back({path, directory.depth + 1});
    }
  }

  void look_at_repositories() {
    while (!repositories_.empty()) {
      const std::string repository = std::move(repositories_.back());
      repositories_.pop_back();
      look_at_repository(repository);
    }
  }

  void look_at_repository(const std::string& path) {
    if (!seen_.insert(path).second) return;
    if (seen_.size() > kMaxConfigs) {
      out_.complete = false;
      return;
    }
    look_at_config(path + "/config", path);
    look_at_config(path + "/config.worktree", path);
    check_all_in(path + "/hooks", kGitHook);
    check(path + "/info/attributes", kGitAttributes);
    for (const std::string& name : names_in(path + "/worktrees")) {
      const std::string worktree = os::join(path, "/worktrees/", name);
      check(worktree + "/gitdir", kGitDir);
      check(worktree + "/commondir", kGitDir);
      look_at_config(worktree + "/config.worktree", path);
    }
    look_for_submodules(path + "/modules");
  }

  // `modules/lib/name`: directories until one has a HEAD.
  void look_for_submodules(const std::string& top) {
    std::vector<Directory> left{{top, 0}};
    while (!left.empty()) {
      const Directory directory = std::move(left.back());
      left.pop_back();
      for (const std::string& name : names_in(directory.path)) {
        const std::string path = directory.path + "/" + name;
        if (kind(path + "/HEAD") == Kind::file) {
          repositories_.push_back(path);
        } else if (directory.depth < kMaxDepth && kind(path) == Kind::directory) {
          left.push_back({path, directory.depth + 1});
        }
      }
    }
  }

  // The file, what it includes, and the hooks that it names, where they lie within the roots.
  void look_at_config(const std::string& first, const std::string& repository) {
    std::vector<std::string> left{first};
    while (!left.empty()) {
      const std::string path = std::move(left.back());
      left.pop_back();
      if (out_.configs.contains(path)) continue;
      if (out_.configs.size() == kMaxConfigs) {
        out_.complete = false;
        return;
      }
      const ConfigFile& file = out_.configs[path] = view_.read_config(path);
      for (const GitEntry& entry : parse_git_config(file.text).value_or(std::vector<GitEntry>())) {
        const bool include = entry.key.starts_with("include") && entry.key.ends_with(".path");
        if (include) left.push_back(normal(os::parent_of(path), entry.value));
        if (entry.key != "core.hookspath") continue;
        check_all_in(normal(os::parent_of(repository), entry.value), kGitHook);
      }
    }
  }

  void check_all_in(const std::string& directory, const char* what) {
    constexpr std::string_view kSample = ".sample";  // git leaves these in every new repository
    if (kind(directory) != Kind::directory) return check(directory, what);
    for (const std::string& name : names_in(directory)) {
      if (!name.ends_with(kSample)) check(os::join(directory, "/", name), what);
    }
  }

  void check(const std::string& path, const char* what) {
    const auto file = view_.open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file.ok() && file.error().code == ENOENT) return;
    if (file.ok() && os::kind_at(file.value().get(), "") == Kind::directory) return;
    if (out_.files.size() == kMaxFiles) {
      out_.complete = false;
      return;
    }
    out_.files[path] = {what, file.ok() ? digest(file.value().get(), path) : link_at(path)};
  }

  std::string link_at(const std::string& path) const {
    const auto parent = view_.open_path(os::parent_of(path), O_PATH | O_DIRECTORY);
    if (!parent.ok()) return "unreadable";
    auto target = os::read_link_at(parent.value().get(), os::base_of(path));
    return target.ok() ? "link to " + target.value() : "unreadable";
  }

  // Of what cannot be read within the bounds, the status change time is known, which nobody can set
  // back. Whether it can be executed counts: git passes over a hook that cannot be.
  std::string digest(int file, const std::string& path) {
    const auto info = os::stat_fd(file);
    if (!info.ok() || !S_ISREG(info.value().st_mode)) return "no regular file";
    const struct stat& status = info.value();
    const auto size = static_cast<std::size_t>(status.st_size);
    const bool read = size <= kMaxContent && size <= kMaxBytes - bytes_;
    if (!read && size <= kMaxContent) out_.complete = false;
    auto content =
        read ? os::read_all(file, size) : os::Result<std::string>(os::Error{EFBIG, "read a file"});
    if (!content.ok()) {
      return os::join(status.st_ino, ' ', status.st_size, ' ', status.st_ctim.tv_sec, '.',
                      status.st_ctim.tv_nsec);
    }
    bytes_ += content.value().size();
    const bool package = os::base_of(path) == "package.json";
    const char* mark = (status.st_mode & kExecutable) != 0 ? "x" : "-";
    return mark + digest_of(package ? scripts_of(content.value()) : content.value());
  }

  const WorkspaceView& view_;
  WorkspaceFiles out_;
  std::vector<std::string> repositories_;  // to be looked at
  std::set<std::string> seen_;
  std::size_t names_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

os::Result<WorkspaceView> WorkspaceView::open(int tree, std::span<const WorkspaceRoot> roots) {
  WorkspaceView view;
  for (const WorkspaceRoot& root : roots) {
    view.open_.push_back(TRY_STEP(os::open_in_root(tree, root.inside, O_PATH | O_DIRECTORY),
                                  "open the user's directory"));
    view.roots_.push_back(root);
  }
  return view;
}

std::vector<int> WorkspaceView::descriptors() const {
  std::vector<int> all;
  for (const os::Fd& root : open_) all.push_back(root.get());
  return all;
}

os::Result<os::Fd> WorkspaceView::open_path(const std::string& path, int flags) const {
  for (std::size_t i = 0; i < roots_.size(); ++i) {
    const std::string& inside = roots_[i].inside;
    if (path == inside) return os::open_beneath(open_[i].get(), ".", flags);
    if (os::is_below(path, inside)) {
      return os::open_beneath(open_[i].get(), path.substr(inside.size() + 1), flags);
    }
  }
  return os::Error{ENOENT, os::join("'", os::printable(path), "' is in none of the user's trees")};
}

ConfigFile WorkspaceView::read_config(const std::string& path) const {
  const auto file = open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  ConfigFile config;
  if (!file.ok()) {
    const int code = file.error().code;
    if (code != ENOENT && code != ENOTDIR) config.state = ConfigFile::State::odd;
    return config;
  }
  config.state = ConfigFile::State::odd;
  if (os::kind_at(file.value().get(), "") != Kind::file) return config;
  auto text = os::read_all(file.value().get(), kMaxConfig);
  if (!text.ok()) return config;
  config.state = ConfigFile::State::text;
  config.text = std::move(text).value();
  return config;
}

WorkspaceFiles WorkspaceView::survey() const { return Survey(*this).run(); }

}  // namespace runner
