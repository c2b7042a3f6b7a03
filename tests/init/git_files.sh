#!/bin/bash
# Git in the workspace: what git on the host would run or follow is read-only and cannot be moved
# away in both trees, everything else works, and a linked worktree finds its repository.
#
#   git_files.sh TREE_SHELL
set -euo pipefail
tree_shell=$1
# shellcheck source=tests/init/lib.sh
source "$(dirname "$0")/lib.sh"
own_mounts "$@"
command -v git >/dev/null || skip "needs git"

base=$(mktemp -d /var/tmp/git-test.XXXXXX)
trap 'rm -rf "$base"' EXIT
export GIT_CONFIG_GLOBAL=$base/gitconfig GIT_CONFIG_NOSYSTEM=1
cat >"$GIT_CONFIG_GLOBAL" <<'CONFIG'
[user]
  name = Tester
  email = tester@example.invalid
[init]
  defaultBranch = main
[protocol "file"]
  allow = always
[safe]
  directory = *
CONFIG
git="git -c user.name=Tester -c user.email=tester@example.invalid"

commit() { # DIRECTORY
  (cd "$1" && echo "$RANDOM" >file && git add . && git commit -q -m one)
}

mkdir "$base/library" "$base/main"
git init -q "$base/library"
commit "$base/library"
git init -q "$base/main"
echo '* text' >"$base/main/.git/info/attributes"
commit "$base/main"
git -C "$base/main" submodule --quiet add "$base/library" parts/library
git -C "$base/main" commit -q -m submodule
git -C "$base/main" worktree add -q "$base/linked"
chown -R 501:20 "$base/main" "$base/linked"
chmod 755 "$base"

# try WHAT WORKSPACE WANTED STEP...
try() {
  local what=$1 workspace=$2 wanted=$3
  shift 3
  equal "$what" "$wanted" \
    "$(printf '%s\n' "$@" | "$tree_shell" --workspace "$workspace" 2>&1 | grep -v '^way ')"
}

protected='.git/hooks/x: Read-only file system
.git/info/attributes: Read-only file system
.git/worktrees/linked/gitdir: Read-only file system
.git/worktrees/linked/commondir: Read-only file system
.git/modules/parts/library/hooks/x: Read-only file system
parts/library/.git: Read-only file system'
attempt='for f in .git/hooks/x .git/info/attributes .git/worktrees/linked/gitdir .git/worktrees/linked/commondir .git/modules/parts/library/hooks/x parts/library/.git; do (echo x >>$f) 2>&1; done | sed "s/.*cannot create //"'
for side in 'task 1000' 'cli 1001'; do
  try "$side: what git on the host runs or follows" "$base/main" "$protected" \
    "$side cd /workspace; $attempt"
done

try "none of it can be moved away" "$base/main" \
  "mv: cannot move '.git' to 'x': Device or resource busy
mv: cannot move '.git/hooks' to '.git/x': Device or resource busy
mv: cannot move '.git/info' to '.git/x': Device or resource busy
mv: cannot move '.git/worktrees/linked' to '.git/x': Device or resource busy
mv: cannot move '.git/modules/parts/library' to '.git/x': Device or resource busy
[status 1]" \
  "task 1000 cd /workspace; mv .git x; for f in hooks info worktrees/linked modules/parts/library; do mv .git/\$f .git/x; done"

# To git in the session the other worktree's directory is gone.
before=$(cd "$base/main/.git/worktrees/linked" && sha256sum HEAD index gitdir commondir)
try "a worktree elsewhere outlives git worktree prune" "$base/main" "pruned: no" \
  "task 1000 cd /workspace; git worktree prune 2>/dev/null; ls .git/worktrees | grep -q linked && echo pruned: no"
equal "what git keeps of it is untouched" "$before" \
  "$(cd "$base/main/.git/worktrees/linked" && sha256sum HEAD index gitdir commondir)"

try "everything else of git works" "$base/main" 'On branch topic
nothing to commit, working tree clean
set
one' \
  "task 1000 cd /workspace && $git checkout -q -b topic && echo x >new && $git add new && $git commit -q -m new" \
  "task 1000 cd /workspace && $git status && $git config test.key set && $git config test.key" \
  "task 1000 cd /workspace/parts/library && $git log --format=%s && echo y >y && $git add y && $git commit -q -m y" \
  "task 1000 cd /workspace && $git gc -q && $git clone -q . /tmp/clone && $git worktree add -q /tmp/tree HEAD~0 2>&1"
equal "the host's git is content" "nothing to commit, working tree clean" \
  "$(GIT_OPTIONAL_LOCKS=0 git -C "$base/main" -c core.fsmonitor= status --ignore-submodules | tail -n1)"

try "a linked worktree works, and its repository is as protected" "$base/linked" 'linked
one
fatal: not a hook
[status 1]' \
  "task 1000 cd /workspace && $git branch --show-current && echo z >z && $git add z && $git commit -q -m z" \
  "cli 1001 cd /workspace && git log --format=%s | tail -n1" \
  "task 1000 cd $base/main/.git && (echo x >hooks/x) 2>/dev/null || { echo fatal: not a hook; false; }"
equal "the host sees its own owner" "" "$(find "$base/main" "$base/linked" ! -user 501)"

# A .git file that names a directory which does not name the workspace leads nowhere.
mkdir -p "$base/evil" "$base/private/worktrees/x"
echo "gitdir: $base/private/worktrees/x" >"$base/evil/.git"
echo "../.." >"$base/private/worktrees/x/commondir"
echo "/somewhere/else/.git" >"$base/private/worktrees/x/gitdir"
try "a forged .git file shows nothing of the host" "$base/evil" \
  "ls: cannot access '$base/private': No such file or directory
[status 2]" "task 1000 ls $base/private"

# Links are not followed to what shall be protected.
mkdir -p "$base/links/.git/info" "$base/links/real"
ln -s ../real "$base/links/.git/hooks"
ln -s /etc/passwd "$base/links/.git/info/attributes"
try "links are left alone" "$base/links" "" "task 1000 cd /workspace/real && true"

finish
