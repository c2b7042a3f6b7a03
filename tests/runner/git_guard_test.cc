#include "runner/git_guard.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "os/fd.h"

namespace {

namespace files = std::filesystem;
using runner::WorkspaceChange;
using Changes = std::vector<WorkspaceChange>;

constexpr char kConfig[] = "[core]\n\tbare = false\n\tpager = less\n";
constexpr char kEmptySection[] = "[alias] ";  // is left of `[alias] x = !y`

// A worktree with a repository, and a guard over it; `/` stands for the session's tree.
class Worktree {
 public:
  explicit Worktree(bool repository = true) {
    REQUIRE(::mkdtemp(top_.data()) != nullptr);
    if (!repository) return;
    run("git init -q .");
    write(".git/config", kConfig);
  }
  Worktree(const Worktree&) = delete;
  Worktree& operator=(const Worktree&) = delete;
  ~Worktree() { files::remove_all(top_); }

  void start(bool undo = false) {
    auto tree = os::open_file("/", O_PATH | O_DIRECTORY);
    REQUIRE(tree.ok());
    tree_ = std::move(tree).value();
    runner::GuardSettings settings;
    settings.uid = ::geteuid();
    settings.gid = ::getegid();
    settings.undo = undo;
    const std::vector<runner::WorkspaceRoot> roots{{top_, false}};
    auto view = runner::WorkspaceView::open(tree_.get(), roots);
    REQUIRE(view.ok());
    view_ = std::move(view).value();
    before_ = view_.survey();
    guard_ = std::make_unique<runner::GitGuard>(settings, view_, before_);
    REQUIRE(guard_->watch().ok());
  }

  // Everything that is noticed now.
  Changes noticed() {
    Changes all;
    pollfd readable{guard_->descriptor(), POLLIN, 0};
    while (::poll(&readable, 1, 0) == 1) {
      for (WorkspaceChange& change : guard_->on_readable()) all.push_back(std::move(change));
    }
    return all;
  }
  Changes finish() {
    auto changes = guard_->finish();
    REQUIRE(changes.ok());
    return std::move(changes).value();
  }

  std::string path(const std::string& name) const { return top_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    files::create_directories(files::path(path(name)).parent_path());
    REQUIRE(os::write_file(path(name), text).ok());
  }
  std::string read(const std::string& name) const {
    auto text = os::read_file(path(name));
    return text.ok() ? text.value() : "(unreadable)";
  }
  void run(const std::string& command) const {
    const std::string line = "cd '" + top_ + "' && { " + command + "; } >/dev/null 2>&1";
    REQUIRE(std::system(line.c_str()) == 0);
  }

 private:
  std::string top_ = "/tmp/git_guard_test.XXXXXX";
  os::Fd tree_;
  runner::WorkspaceView view_;
  runner::WorkspaceFiles before_;
  std::unique_ptr<runner::GitGuard> guard_;
};

}  // namespace

TEST_CASE("what git itself writes in daily work is no change") {
  Worktree tree(false);
  tree.run("git init -q . && git config user.name n && git config user.email e@x");
  tree.start(true);
  tree.run(
      "git config branch.main.remote origin; git remote add origin https://a.b/c;"
      "echo x >f; git add f; git commit -qm m; git checkout -q -b other; git gc -q");
  CHECK(tree.noticed().empty());
  CHECK(tree.finish().empty());
  CHECK(tree.read(".git/config").find("origin") != std::string::npos);
}

TEST_CASE("a new key that runs something is a change, once, and stays when it is not undone") {
  Worktree tree;
  tree.start(false);
  tree.run("git config alias.st '!./evil'");
  const WorkspaceChange change{
      tree.path(".git/config"), "git-config", "alias.st", "!./evil", false, "new"};
  CHECK(tree.noticed() == Changes{change});
  tree.run("git config user.name somebody");
  CHECK(tree.noticed().empty());
  CHECK(tree.finish() == Changes{change});
  CHECK(tree.read(".git/config").find("evil") != std::string::npos);
}

TEST_CASE("an undone key is gone, its old value is back, and other new keys stay") {
  Worktree tree;
  tree.start(true);
  tree.run(
      "git config branch.b.remote o; git config core.pager ./evil; git config core.fsmonitor ./x");
  CHECK(tree.noticed().size() == 2);
  const std::string config = tree.read(".git/config");
  CHECK(config.find("evil") == std::string::npos);
  CHECK(config.find("fsmonitor") == std::string::npos);
  CHECK(config.find("pager = less") != std::string::npos);
  CHECK(config.find("[branch \"b\"]") != std::string::npos);
  const Changes all = tree.finish();
  REQUIRE(all.size() == 2);
  CHECK(all[0].key == "core.fsmonitor");
  CHECK(all[0].undone);
  CHECK(all[1].value == "./evil");
  CHECK(all[1].undone);
  CHECK(tree.read(".git/config") == config);
}

TEST_CASE("a config that is no plain readable file is put back as it was") {
  Worktree tree;
  tree.write("elsewhere", "[alias] x = !y\n");
  tree.start(true);
  const std::string config = tree.path(".git/config");
  SUBCASE("a link") { tree.run("ln -sf ../elsewhere .git/config"); }
  SUBCASE("a pipe that nobody writes") { tree.run("rm .git/config; mkfifo .git/config"); }
  SUBCASE("endless") { tree.run("head -c 3000000 /dev/zero | tr '\\0' '#' >.git/config"); }
  SUBCASE("what git refuses to read") { tree.run("echo '[alias' >.git/config"); }
  SUBCASE("with a NUL") { tree.run("printf '[alias]\\nx = !y\\0\\n' >.git/config"); }
  CHECK(tree.noticed() == Changes{{config, "git-config", "", "", true, "changed"}});
  CHECK(tree.read(".git/config") == kConfig);
  CHECK(tree.read("elsewhere") == "[alias] x = !y\n");
}

TEST_CASE("while git holds its lock nothing is undone, and right after that it is") {
  Worktree tree;
  tree.start(true);
  tree.write(".git/config.lock", std::string(kConfig) + "[alias] x = !y\n");
  tree.run("git config -f .git/config2 a.b c");  // any other file
  tree.run("echo '[alias] z = !z' >>.git/config");
  const Changes locked = tree.noticed();
  REQUIRE(locked.size() == 1);
  CHECK_FALSE(locked[0].undone);
  tree.run("mv .git/config.lock .git/config");
  const Changes after = tree.noticed();
  REQUIRE(after.size() == 1);
  CHECK(after[0].undone);
  CHECK(tree.read(".git/config") == std::string(kConfig) + kEmptySection);
}

TEST_CASE("a lock that is never let go is no way around the undo") {
  Worktree tree;
  tree.start(true);
  tree.write(".git/config.lock", "");
  tree.run("echo '[alias] z = !z' >>.git/config");
  CHECK(tree.noticed().size() == 1);
  const Changes all = tree.finish();
  REQUIRE(all.size() == 1);
  CHECK(all[0].undone);
  CHECK(tree.read(".git/config") == std::string(kConfig) + kEmptySection);
}

TEST_CASE(
    "a repository made during the session is watched, one in a subdirectory found at the end") {
  Worktree tree(false);
  tree.start(true);
  tree.run("git init -q . && git config core.hooksPath /tmp/x");
  tree.noticed();
  tree.run("git config core.sshCommand x");
  const Changes noticed = tree.noticed();
  REQUIRE(noticed.size() == 1);
  CHECK(noticed[0].key == "core.sshcommand");
  tree.run("git init -q a/b && git -C a/b config core.fsmonitor ./x");
  const Changes all = tree.finish();
  const auto nested = std::find_if(all.begin(), all.end(), [&](const WorkspaceChange& change) {
    return change.path == tree.path("a/b/.git/config");
  });
  REQUIRE(nested != all.end());
  CHECK(nested->key == "core.fsmonitor");
  CHECK(nested->undone);
  CHECK(tree.read("a/b/.git/config").find("fsmonitor") == std::string::npos);
}

TEST_CASE("files that the config includes, submodules and worktrees are compared, too") {
  Worktree tree;
  tree.run("git config include.path ../shared.cfg");
  tree.write("shared.cfg", "[user]\n\tname = n\n");
  tree.write(".git/modules/lib/name/HEAD", "ref: refs/heads/main\n");
  tree.write(".git/modules/lib/name/config", kConfig);
  tree.write(".git/worktrees/w/gitdir", "/elsewhere/.git\n");
  tree.start(true);
  tree.run("echo '[alias] a = !a' >>shared.cfg");
  tree.run("echo '[alias] b = !b' >>.git/modules/lib/name/config");
  tree.run("echo '[alias] c = !c' >.git/config.worktree");
  tree.run("echo '[alias] d = !d' >.git/worktrees/w/config.worktree");
  CHECK(tree.noticed().size() == 4);
  CHECK(tree.read("shared.cfg") == std::string("[user]\n\tname = n\n") + kEmptySection);
  tree.run("echo /else >.git/worktrees/w/gitdir");
  const Changes all = tree.finish();
  REQUIRE(all.size() == 5);
  CHECK(std::count_if(all.begin(), all.end(),
                      [](const auto& change) { return change.what == "git-dir"; }) == 1);
}

TEST_CASE("hooks, attributes and what host tools run are listed at the end") {
  Worktree tree;
  tree.run("git config core.hooksPath .githooks; git config -f .git/config core.bare false");
  tree.write(".githooks/pre-commit", "old");
  tree.write(".githooks/idle", "old");
  tree.write(".git/hooks/pre-push.sample", "sample");
  tree.write("package.json", R"({"version": "1", "scripts": {"test": "a"}})");
  tree.write("web/package.json", R"({"version": "1"})");
  tree.write(".husky/pre-commit", "old");
  tree.write("node_modules/x/package.json", R"({"scripts": {"install": "a"}})");
  tree.start();
  tree.write(".githooks/pre-commit", "new");
  tree.run("chmod +x .githooks/idle");
  tree.write(".git/hooks/post-merge", "new");
  tree.write(".git/hooks/pre-push.sample", "changed");
  tree.write(".git/info/attributes", "* filter=x\n");
  tree.write("package.json", R"({"version": "2", "scripts": {"test": "b"}})");
  tree.write("web/package.json", R"({"version": "2"})");
  tree.write("node_modules/x/package.json", "{}");
  tree.write(".envrc", "evil");
  tree.write("sub/.vscode/tasks.json", "{}");
  tree.run("rm .husky/pre-commit; echo 'gitdir: /x' >sub/.git; ln -s /etc .devcontainer");
  const auto change = [&](const char* name, const char* what, const char* how = "new") {
    return WorkspaceChange{tree.path(name), what, "", "", false, how};
  };
  const Changes all = tree.finish();
  CHECK(all == Changes{change(".devcontainer", "host-tool"), change(".envrc", "host-tool"),
                       change(".git/hooks/post-merge", "git-hook"),
                       change(".git/info/attributes", "git-attributes"),
                       change(".githooks/idle", "git-hook", "changed"),
                       change(".githooks/pre-commit", "git-hook", "changed"),
                       change(".husky/pre-commit", "host-tool", "removed"),
                       change("package.json", "host-tool", "changed"),
                       change("sub/.git", "git-dir"),
                       change("sub/.vscode/tasks.json", "host-tool")});
}

TEST_CASE("a tree made to tire us out is given up in time, and that is said") {
  Worktree tree;
  tree.start();
  tree.run("mkdir many && cd many && seq 30000 | xargs touch");
  tree.write(".vscode/endless.json", std::string(5 << 20, 'x'));
  tree.run("d=deep; for i in $(seq 200); do d=$d/d; done; mkdir -p $d; ln -s .. deep/loop");
  const auto start = std::chrono::steady_clock::now();
  const Changes all = tree.finish();
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  CHECK(std::count_if(all.begin(), all.end(),
                      [](const auto& change) { return change.what == "not-all-looked-at"; }) == 1);
}

TEST_CASE("whoever keeps writing keys loses at the end") {
  Worktree tree;
  tree.start(true);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; !stop.load(); ++i) {
      const std::string text = std::string(kConfig) + "[alias] x" + std::to_string(i) + " = !y\n";
      (void)os::write_file(tree.path(".git/new"), text).ok();
      files::rename(tree.path(".git/new"), tree.path(".git/config"));
    }
  });
  std::size_t reported = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  while (std::chrono::steady_clock::now() < end) reported += tree.noticed().size();
  stop.store(true);
  writer.join();
  tree.noticed();
  const Changes all = tree.finish();
  CHECK(reported > 0);
  CHECK(reported <= runner::GitGuard::kMostChanges);
  CHECK(all.size() <= runner::GitGuard::kMostChanges + 1);
  CHECK(tree.read(".git/config") == std::string(kConfig) + kEmptySection);
}
