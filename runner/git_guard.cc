#include "runner/git_guard.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/creds.h"
#include "os/paths.h"
#include "os/process.h"

namespace runner {
namespace {

constexpr mode_t kConfigMode = 0644;

using Entries = std::vector<GitEntry>;

// The entries that run something.
Entries running(const Entries& entries) {
  Entries out;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(out), runs_something);
  return out;
}

bool has_key(const Entries& entries, const std::string& key) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const GitEntry& entry) { return entry.key == key; });
}

bool contains(const Entries& entries, const GitEntry& wanted) {
  return std::any_of(entries.begin(), entries.end(), [&](const GitEntry& entry) {
    return entry.key == wanted.key && entry.value == wanted.value;
  });
}

// Those of `entries` that `others` has not got.
Entries missing_in(const Entries& others, const Entries& entries) {
  Entries out;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(out),
               [&](const GitEntry& entry) { return !contains(others, entry); });
  return out;
}

// Of the old entries those whose key was given another value.
Entries replaced_by(const Entries& added, const Entries& lost) {
  Entries out;
  std::copy_if(lost.begin(), lost.end(), std::back_inserter(out),
               [&](const GitEntry& entry) { return has_key(added, entry.key); });
  return out;
}

}  // namespace

// The directories of all files that were there or could appear beside them, and the worktrees that
// are no repository yet.
os::Status GitGuard::watch() {
  const os::FsUser user = TRY(os::FsUser::enter(settings_.uid, settings_.gid));
  notices_ = TRY(os::FileNotices::make());
  for (const auto& [path, file] : at_start_.configs) {
    configs_.insert(path);
    TRY(watch_directory(os::parent_of(path), true));
  }
  for (const WorkspaceRoot& root : view_.roots()) {
    if (!root.repository) TRY(watch_directory(root.inside, false));
  }
  return {};
}

os::Status GitGuard::watch_directory(const std::string& path, bool content) {
  const os::Result<os::Fd> directory = view_.open_path(path, O_PATH | O_DIRECTORY);
  if (!directory.ok()) return {};
  const int watch = TRY(notices_.watch(directory.value().get(), content));
  watches_[watch] = path;
  return {};
}

bool GitGuard::concerns_us(const os::FileNotice& notice) {
  const auto watch = watches_.find(notice.watch);
  if (watch == watches_.end()) return notice.watch < 0;
  const std::string path = watch->second + "/" + notice.name;
  const auto& roots = view_.roots();
  const bool new_repository = std::any_of(roots.begin(), roots.end(), [&](const auto& root) {
    return !root.repository && path == root.inside + "/.git";
  });
  if (new_repository) {
    configs_.insert({path + "/config", path + "/config.worktree"});
    (void)watch_directory(path, true).ok();  // without a watch it is found at the end
  }
  return new_repository || configs_.contains(path);
}

std::vector<WorkspaceChange> GitGuard::on_readable() {
  const os::Result<os::FsUser> user = os::FsUser::enter(settings_.uid, settings_.gid);
  const auto notices = notices_.read();
  if (!user.ok() || !notices.ok()) return {};
  bool look = false;
  for (const os::FileNotice& notice : notices.value()) look = concerns_us(notice) || look;
  return look ? look_again() : std::vector<WorkspaceChange>();
}

std::vector<WorkspaceChange> GitGuard::look_again() {
  std::vector<WorkspaceChange> changes;
  const os::Result<os::FsUser> user = os::FsUser::enter(settings_.uid, settings_.gid);
  if (!user.ok()) return changes;
  for (const std::string& path : configs_) {
    for (WorkspaceChange& change : compare(path, view_.read_config(path), When::running)) {
      if (returned_.size() == kMostChanges || !returned_.insert(change).second) continue;
      changes.push_back(std::move(change));
    }
  }
  return changes;
}

os::Result<std::vector<WorkspaceChange>> GitGuard::finish() {
  const os::FsUser user = TRY(os::FsUser::enter(settings_.uid, settings_.gid));
  std::set<WorkspaceChange> changes(returned_);
  const WorkspaceFiles now = view_.survey();
  for (const auto& [path, file] : now.configs) {
    for (WorkspaceChange& change : compare(path, file, When::finished)) {
      WorkspaceChange left = change;
      left.undone = false;
      changes.erase(left);
      changes.insert(std::move(change));
    }
  }
  compare_files(now, changes);
  std::map<std::string, std::size_t> counts;
  const std::size_t more = std::erase_if(
      changes, [&](const WorkspaceChange& change) { return ++counts[change.what] > kMostChanges; });
  const bool complete = now.complete && at_start_.complete && more == 0;
  if (!complete && !view_.roots().empty()) {
    changes.insert({view_.roots().front().inside, kNotAllLookedAt, "", "", false, ""});
  }
  return std::vector<WorkspaceChange>(changes.begin(), changes.end());
}

void GitGuard::compare_files(const WorkspaceFiles& now, std::set<WorkspaceChange>& changes) const {
  for (const auto& [path, file] : now.files) {
    const auto old = at_start_.files.find(path);
    const bool is_new = old == at_start_.files.end();
    if (!is_new && old->second == file) continue;
    const char* how = is_new ? "new" : "changed";
    changes.insert({path, file.what, "", "", false, file.what == kNotAllLookedAt ? "" : how});
  }
  for (const auto& [path, file] : at_start_.files) {
    if (now.files.contains(path) || file.what == kNotAllLookedAt) continue;
    changes.insert({path, file.what, "", "", false, "removed"});
  }
}

std::vector<WorkspaceChange> GitGuard::compare(const std::string& path, const ConfigFile& now,
                                               When when) {
  const ConfigFile& then = config_at_start(path);
  if (now == then || now.state == ConfigFile::State::absent) return {};
  const auto entries = parse_git_config(now.text);
  if (now.state == ConfigFile::State::odd || !entries) {
    const char* how = then.state == ConfigFile::State::absent ? "new" : "changed";
    return {{path, kGitConfig, "", "", restore(path, now, then.text, when), how}};
  }
  const Entries old = running(parse_git_config(then.text).value_or(Entries()));
  const Entries present = running(*entries);
  const Entries added = missing_in(old, present);
  if (added.empty()) return {};
  const Entries back = replaced_by(added, missing_in(present, old));
  const bool undone = restore(path, now, edit_git_config(now.text, added, back), when);
  std::vector<WorkspaceChange> changes;
  for (const GitEntry& entry : added) {
    const bool known = has_key(old, entry.key);
    changes.push_back(
        {path, kGitConfig, entry.key, entry.value, undone, known ? "changed" : "new"});
  }
  return changes;
}

// While the session runs this takes git's own lock, so that no change of a git command gets lost.
// When the lock is there already, its owner's rename gives the next notice. At the end nobody of
// the session is left to hold it; what it may have left instead is a name in our way or a directory
// that cannot be written.
bool GitGuard::restore(const std::string& path, const ConfigFile& now, const std::string& text,
                       When when) {
  if (!settings_.undo) return false;
  const auto directory = view_.open_path(os::parent_of(path), O_RDONLY | O_DIRECTORY);
  const auto random = os::random_hex(12);
  if (!directory.ok() || !random.ok()) return false;
  const int at = directory.value().get();
  const std::string name = os::base_of(path);
  const std::string lock = name + (when == When::finished ? "." + random.value() : ".lock");
  if (when == When::finished) (void)os::let_owner_write(at).ok();
  const auto file = os::open_at(at, lock, O_WRONLY | O_CREAT | O_EXCL, kConfigMode);
  if (!file.ok()) return false;
  const bool done = view_.read_config(path) == now &&
                    os::write_all(file.value().get(), text).ok() &&
                    os::rename_file(at, lock, name).ok();
  if (!done) (void)os::remove_file(at, lock).ok();
  return done;
}

const ConfigFile& GitGuard::config_at_start(const std::string& path) const {
  static const ConfigFile absent;
  const auto found = at_start_.configs.find(path);
  return found == at_start_.configs.end() ? absent : found->second;
}

}  // namespace runner
