#!/bin/bash
# What each of the three trees shows and lets one do, compared with tests/golden/mounts.tsv and by
# trying: what commands see of the CLI, what agentcli may execute, what can be moved away.
#
#   trees.sh TREE_SHELL
set -euo pipefail
tree_shell=$1
here=$(dirname "$0")
# shellcheck source=tests/init/lib.sh
source "$here/lib.sh"
own_mounts "$@"

base=$(mktemp -d /tmp/trees-test.XXXXXX)
trap 'rm -rf "$base"' EXIT
mkdir -p "$base/ws" "$base/cli/bin"
printf '#!/bin/sh\necho vendor\n' >"$base/cli/bin/vendor"
chmod 755 "$base" "$base/cli/bin/vendor"
chown -R 501:20 "$base/ws" "$base/cli"

session() {
  "$tree_shell" --workspace "$base/ws" --agent-dir .claude --handover shell-snapshots \
    --cli-dir "$base/cli" 2>&1 >"$base/out" <"$base/steps" | grep -v '^way ' || true
  cat "$base/out"
}

# try WHAT WANTED STEP...
try() {
  local what=$1 wanted=$2
  shift 2
  printf '%s\n' "$@" >"$base/steps"
  equal "$what" "$wanted" "$(session)"
}

# The mounts of each tree.
for tree in init cli task; do
  echo "$tree 0 cat /proc/self/mountinfo" >"$base/steps"
  session >"$base/$tree.mounts"
done
equal "the mounts" "all mounts are as the table says" \
  "$("$here/mount_table.py" --dir "$base/cli" "$here/../golden/mounts.tsv" \
    init="$base/init.mounts" cli="$base/cli.mounts" task="$base/task.mounts" 2>&1 || true)"

try "commands see nothing of the CLI's or of PID 1's" \
  'agent-task-runner.sock
task-policy
/home/agentuser/.claude/shell-snapshots' \
  'cli 1001 echo key >~/.claude/key; echo key >/run/agent-secrets/claude/key' \
  'task 1000 ls /run; find /run /home /tmp -name key; find /home -mindepth 3'

try "both write a handover directory, the other's files look like one's own" \
  '1001 one
1000 one
1000 two' \
  'cli 1001 cd ~/.claude/shell-snapshots && echo one >a && stat -c %u a | tr "\n" " "; cat a' \
  'task 1000 cd ~/.claude/shell-snapshots && stat -c %u a | tr "\n" " "; cat a; echo two >a' \
  'task 1000 cd ~/.claude/shell-snapshots && stat -c %u a | tr "\n" " "; cat a'

for place in /tmp /home/agentuser /workspace; do
  try "a program in $place runs as agentuser" ran \
    "task 1000 cd $place && printf '#!/bin/sh\necho ran\n' >p && chmod +x p && ./p"
  try "a program in $place is EACCES for agentcli" "sh: 1: ./p: Permission denied
[status 126]" \
    "cli 1001 cd $place && cp /bin/true p && chmod +x p && ./p"
done

try "agentcli follows no link in what commands write for it" \
  "cat: /tmp/link: Too many levels of symbolic links
[status 1]" \
  'task 1000 ln -s /etc/passwd /tmp/link' 'cli 1001 cat /tmp/link'

try "links in the workspace work for both" 'text
text' \
  'task 1000 cd /workspace && echo text >file && ln -s file link && cat link' \
  'cli 1001 cat /workspace/link'

try "the vendor's directory runs in both trees and belongs to root" 'vendor 0
vendor 0' \
  "cli 1001 $base/cli/bin/vendor | tr '\n' ' '; stat -c %u $base/cli/bin/vendor" \
  "task 1000 $base/cli/bin/vendor | tr '\n' ' '; stat -c %u $base/cli/bin/vendor"

try "no command can put something else where a vendor's program is" \
  "mv: cannot move '$base' to '/tmp/elsewhere': Device or resource busy
mv: cannot move '$base/cli' to '$base/x': Permission denied
mv: cannot move '/home/agentuser/.claude' to '/home/agentuser/x': Device or resource busy
[status 1]" \
  "task 1000 mv $base /tmp/elsewhere; mv $base/cli $base/x; mv ~/.claude ~/x"

try "pids of commands are above those of the CLI" yes \
  "task 1000 test \$\$ -gt 100000 && echo yes"

try "the CLI sees no process but its own, and its memory files do not execute" '0
2' \
  'cli 1001 ls -d /proc/[0-9]* | grep -cx /proc/1; cat /proc/sys/vm/memfd_noexec'

try "nothing of a secret mount can be bound elsewhere" \
  'mount: /tmp: wrong fs type, bad option, bad superblock on /run/agent-secrets/claude, missing codepage or helper program, or other error.
[status 32]' \
  'cli 0 mount --bind /run/agent-secrets/claude /tmp 2>&1 | grep ^mount; exit 32'

try "system files cannot be written" \
  "sh: 1: cannot create /usr/x: Read-only file system
[status 2]" 'task 0 echo >/usr/x'

finish
