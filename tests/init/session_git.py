"""What a session leaves that git or a tool on the host would run is recorded when it ends, whatever
was done to hide it; git's configuration is put back where the policy says so."""

import json
import os
import stat
import subprocess
import sys

from life import Checks, Events, bash, need_root, read, time, workspace

need_root()
checks = Checks()
OWNER = 1000
UNDO = {"extends": "default", "git_config": "undo"}
REPORT = {"extends": "default"}

NAMES = {"GIT_CONFIG_COUNT": "4",
         "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
         "GIT_CONFIG_KEY_1": "user.name", "GIT_CONFIG_VALUE_1": "n",
         "GIT_CONFIG_KEY_2": "user.email", "GIT_CONFIG_VALUE_2": "e@example.org",
         "GIT_CONFIG_KEY_3": "protocol.file.allow", "GIT_CONFIG_VALUE_3": "always"}


def git(space, *words):
    subprocess.run(["git", "-C", space, *words], check=True, capture_output=True,
                   env={**os.environ, **NAMES, "HOME": str(space)})


def give(space):
    """The user owns all of it."""
    for folder, folders, files in os.walk(space):
        for name in [".", *folders, *files]:
            os.chown(os.path.join(folder, name), OWNER, OWNER, follow_symlinks=False)


def repository():
    """A worktree with a commit, a hook and a submodule of either kind."""
    space, other = workspace(), workspace()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "first")
    git(space, "init", "-q")
    git(space, "config", "user.name", "n")
    git(space, "config", "user.email", "e@example.org")
    git(space, "submodule", "add", "-q", str(other), "sub")
    git(space, "clone", "-q", str(other), "old")
    git(space, "commit", "-q", "-m", "second")
    subprocess.run(["rm", "-r", space / ".git/modules/sub/hooks"], check=True)
    (space / ".git/hooks/pre-commit").write_text("#!/bin/sh\n")
    (space / ".git/hooks/pre-commit").chmod(0o755)
    (space / "old/.git/hooks/asleep").write_text("#!/bin/sh\n")
    give(space)
    return space


class Run:
    """One session whose CLI lets one command run and ends with it, at once."""

    def __init__(self, name, space, script, policy=None):
        self.name = name
        self.space = space
        self.policy = space.parent / f"{space.name}.json"
        self.policy.write_text(json.dumps(policy or REPORT))
        with Events() as log:
            self.result = bash(f"cd /workspace; exec /bin/sh -c \"$(cat <<'END'\n{script}\nEND\n)\"",
                               space=space, policy=self.policy,
                               options=[*log.options, "--summary"]).run(60)
            self.ended = time.time()
            self.records = log.records("workspace-changed")
            self.ends = log.records("session-end")
        self.policy.unlink()
        self.check("the status is the command's", self.result.status == 0,
                   f"{self.result}{self.ends}")

    def at_end(self):
        """(path, what, how, key, undone) of what was found when all was over."""
        return {(r["file"]["path"].removeprefix("/workspace/"), r["workspace"]["what"],
                 r["workspace"].get("how", ""), r["workspace"].get("key", ""),
                 r["workspace"]["undone"]) for r in self.records if r["workspace"]["at_end"]}

    def said(self):
        return [line.removeprefix("agent-init: ") for line in self.result.stderr.splitlines()
                if not line.startswith("agent-init: session ")]

    def equal(self, what, got, wanted):
        checks.equal(f"{self.name}: {what}", got, wanted)

    def check(self, what, holds, detail=""):
        checks.check(f"{self.name}: {what}", holds, detail)


def changed(*names):
    return "files that run something on the host changed: " + ", ".join(names)


def clean():
    space = repository()
    before = read(space / ".git/config")
    run = Run("clean", space, "git commit -q --allow-empty -m x; echo x >file; git add file; "
              "git config branch.main.remote origin; git checkout -q -b other; echo {} >a.json")
    run.equal("no event", run.records, [])
    run.equal("nothing is said", run.said(), [])
    run.check("git's own writes stay", len(read(space / ".git/config")) > len(before))
    run.equal("the end counts what ran", [r["session"]["execs_allowed"] for r in run.ends], [2])


def submodules():
    space = repository()
    run = Run("submodules", space, "mkdir -p .git/modules/sub/hooks; echo evil | tee "
              ".git/modules/sub/hooks/post-checkout >old/.git/hooks/post-commit; "
              "echo evil 2>/dev/null >.git/hooks/pre-commit; echo evil >.envrc; "
              "chmod +x old/.git/hooks/asleep")
    hooks = [(".git/modules/sub/hooks/post-checkout", "git-hook", "new", "", False),
             ("old/.git/hooks/asleep", "git-hook", "changed", "", False),
             ("old/.git/hooks/post-commit", "git-hook", "new", "", False)]
    run.equal("each hook is an event", run.at_end(),
              {*hooks, (".envrc", "host-tool", "new", "", False)})
    run.equal("the summary names them", run.said(),
              [changed(".envrc (new)", *(f"{hook[0]} ({hook[2]})" for hook in hooks))])
    run.equal("the hook that was there is as it was", read(space / ".git/hooks/pre-commit"),
              "#!/bin/sh\n")


def last_moment():
    for number in range(8):
        undo = number % 2 == 1
        space = repository()
        before = read(space / ".git/config")
        run = Run(f"last moment, {'undo' if undo else 'report'} {number}", space,
                  "git config branch.main.remote origin; sleep 0.1; "
                  r"printf '[alias]\n\tst = !evil\n' >>.git/config", UNDO if undo else REPORT)
        text = read(space / ".git/config")
        key = (".git/config", "git-config", "new", "alias.st", undo)
        # The watcher may have been faster: then it is undone, and recorded, already.
        found = run.at_end() or {key for r in run.records if r["workspace"]["undone"] and undo}
        run.equal("the key is an event", found, {key})
        run.check("the summary says it", ".git/config alias.st (new" in run.result.stderr or
                  "1 events" in run.result.stderr, run.result.stderr)
        run.equal("the key is there afterwards", "evil" in text, not undo)
        run.check("the rest is there", text.startswith(before) and "origin" in text, text)
        run.equal("the user owns the file", (space / ".git/config").stat().st_uid, OWNER)
        run.equal("nothing else is left beside it",
                  [n for n in os.listdir(space / ".git") if n.startswith("config.")], [])


def no_way_around_undo():
    space = repository()
    run = Run("in the way", space, "git config alias.st '!evil'; mkdir .git/config.undo; "
              "touch .git/config.lock; chmod 444 .git/config; chmod 555 .git", UNDO)
    run.equal("the key is gone", "evil" in read(space / ".git/config"), False)
    run.check("all of it is recorded as undone",
              run.records and run.records[-1]["workspace"]["undone"], run.records)


def links():
    space = repository()
    Run("moved", space, "mv .git hidden 2>/dev/null; ln -sfn hidden .git 2>/dev/null; true")
    checks.check("moved: .git cannot be", stat.S_ISDIR(os.lstat(space / ".git").st_mode))

    space = workspace()
    run = Run("linked", space, "git init -q real; git -C real config core.fsmonitor ./evil; "
              "ln -s real/.git .git; ln -s /etc/passwd .envrc; ln -s / .husky")
    run.equal("the link and what it names are events", run.at_end(),
              {(".git", "git-dir", "new", "", False), (".envrc", "host-tool", "new", "", False),
               (".husky", "host-tool", "new", "", False),
               ("real/.git/config", "git-config", "new", "core.fsmonitor", False)})


def disguised():
    space = workspace()
    run = Run("disguised", space, "git init -q --bare plain; git -C plain config core.pager ./evil; "
              "git init -q shut; echo evil >shut/.git/hooks/post-commit; chmod 311 shut/.git/hooks")
    run.equal("a repository by another name, and one that cannot be listed, are events",
              run.at_end(),
              {("plain/config", "git-config", "new", "core.pager", False),
               ("shut/.git/hooks", "not-all-looked-at", "", "", False)})
    run.check("the summary says what is not known",
              "not everything was looked at in: shut/.git/hooks" in run.said(), run.said())


def too_much():
    space = repository()
    run = Run("too much", space, "cd old/.git/hooks; seq 100000 | xargs touch; cd /workspace; "
              "mkdir -p .git/modules/sub/hooks; echo evil >.git/modules/sub/hooks/post-checkout")
    last_write = (space / ".git/modules/sub/hooks/post-checkout").stat().st_mtime
    found = run.at_end()
    run.check("there are no more events than a limit", 200 < len(found) <= 300, len(found))
    run.check("one says that there is more",
              ("/workspace", "not-all-looked-at", "", "", False) in found)
    run.check("the known repositories come first",
              (".git/modules/sub/hooks/post-checkout", "git-hook", "new", "", False) in found)
    run.check("the summary is short", len(run.said()) == 2 and all(
        len(line) < 2000 for line in run.said()), run.said())
    run.check("it ends in time", run.ended - last_write < 20, run.ended - last_write)


def linked_worktree():
    """git in a session must not take the session's own worktree for gone."""
    main, beside = repository(), workspace()
    beside.rmdir()
    git(main, "worktree", "add", "-q", str(beside), "-b", "topic")
    give(main)
    give(beside)
    kept = main / ".git/worktrees" / beside.name
    run = Run("linked worktree", beside, "git worktree prune -v --expire now; git gc -q --prune=now; "
              f"echo more >file; git add file; git commit -q -m more; git -C {beside} log --oneline >said")
    run.check("what git keeps of it is there", (kept / "HEAD").exists() and (kept / "index").exists(),
              os.listdir(main / ".git"))
    run.equal("the host's git sees the commit",
              subprocess.run(["git", "-C", beside, "-c", "safe.directory=*", "log", "--format=%s", "-1"],
                             capture_output=True, text=True, check=False).stdout, "more\n")
    run.check("its path on the host leads to it", "more" in read(beside / "said"), read(beside / "said"))
    run.equal("nothing is reported twice", run.at_end(), set())


PARTS = (clean, linked_worktree, submodules, last_moment, no_way_around_undo, links, disguised, too_much)
for part in PARTS:
    if len(sys.argv) == 1 or part.__name__ in sys.argv[1:]:
        part()
checks.finish()
