#include "init/git_files.h"

#include <doctest/doctest.h>

TEST_CASE("a .git file names its repository") {
  CHECK(init::gitdir_of("gitdir: /a/b/.git/worktrees/x\n") == "/a/b/.git/worktrees/x");
  CHECK(init::gitdir_of("gitdir: ../.git/modules/x") == "../.git/modules/x");
  CHECK(init::gitdir_of("gitdir:  spaced name \r\n") == "spaced name");
  CHECK_FALSE(init::gitdir_of("gitdir:\n"));
  CHECK_FALSE(init::gitdir_of("ref: refs/heads/main\n"));
  CHECK_FALSE(init::gitdir_of(""));
}

TEST_CASE("a repository's config names its worktree") {
  CHECK(init::worktree_of("[core]\n\tbare = false\n\tworktree = ../../../lib\n") == "../../../lib");
  CHECK_FALSE(init::worktree_of("[core]\n\tbare = false\n"));
  CHECK_FALSE(init::worktree_of("[core]\n\tworktree =\n"));
}

TEST_CASE("paths are joined without dots") {
  CHECK(init::normal_path("/workspace", "../main/.git") == "/main/.git");
  CHECK(init::normal_path("/a/b", "c") == "/a/b/c");
  CHECK(init::normal_path("/a/b", "/c/./d") == "/c/d");
  CHECK(init::normal_path("/a", "../../../..") == "/");
  CHECK(init::normal_path("/.git/modules/a", "../../../parts/a/.git") == "/parts/a/.git");
}
