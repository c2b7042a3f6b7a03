#!/bin/bash
# The workspace belongs to both identities, whoever owns it on the host, on each filesystem: both
# create, edit, rename and delete, and the host finds its own owner everywhere afterwards.
#
#   workspace.sh TREE_SHELL
set -euo pipefail
tree_shell=$1
# shellcheck source=tests/init/lib.sh
source "$(dirname "$0")/lib.sh"
own_mounts "$@"

base=$(mktemp -d /var/tmp/workspace-test.XXXXXX)
trap 'umount -R "$base/mnt" || true; umount -R "$base/mnt" || true; rm -rf "$base"' EXIT
mkdir "$base/mnt"

make_workspace() { # OWNER GROUP
  ws=$base/mnt/ws
  rm -rf "$ws"
  mkdir -p "$ws/dir" "$ws/web" "$ws/private"
  echo one >"$ws/mine"
  echo one >"$ws/gone"
  echo one >"$ws/third"
  printf '#!/bin/sh\necho ran\n' >"$ws/run.sh"
  ln -s mine "$ws/link"
  chown -hR "$1:$2" "$ws"
  chown 1234:1234 "$ws/third"
  chgrp 33 "$ws/web"
  chmod 2775 "$ws/web"
  chmod 0755 "$ws/run.sh"
  chmod 0700 "$ws/private"
  chmod 0640 "$ws/mine"
}

steps() {
  cat <<'STEPS'
task 1000 cd /workspace && echo task >>mine && echo task >by-task && mkdir dir-task && echo x >dir-task/a
task 1000 cd /workspace && ./run.sh && rm gone && echo t >web/by-task && echo t >private/by-task
cli 1001 cd /workspace && echo cli >>mine && echo cli >>by-task && mv by-task moved && rm dir-task/a
cli 1001 cd /workspace && echo cli >by-cli && mkdir dir-cli && echo y >dir-cli/b && echo c >web/by-cli
cli 1001 cd /workspace && rm private/by-task && echo c >private/by-cli && ln -s /etc/passwd out
task 1000 cd /workspace && echo task >>by-cli && mv dir-cli/b dir-task/b && rmdir dir-cli && cat mine moved by-cli
task 1000 cd /workspace && ln mine hard && rm web/by-cli && echo t >private/again && cat third
cli 1001 cd /workspace && rm web/by-task && echo c >web/last && cat private/again
STEPS
}

said='ran
one
task
cli
task
cli
cli
task
one
t'

# What the host must find: type, owner, group, mode, name. The setgid directory hands its group on.
after() { # OWNER GROUP
  sed "s/ U / $1 /; s/ G / $2 /" <<'FOUND'
d U G 755 .
f U G 644 by-cli
d U G 755 dir
d U G 755 dir-task
f U G 644 dir-task/b
f U G 640 hard
l U G 777 link
f U G 640 mine
f U G 644 moved
l U G 777 out
d U G 700 private
f U G 644 private/again
f U G 644 private/by-cli
f U G 755 run.sh
f 1234 1234 644 third
d U 33 2775 web
f U 33 644 web/last
FOUND
}

found() {
  (cd "$ws" && find . -printf '%y %U %G %m %P\n' | sed 's/ $/ ./' | LC_ALL=C sort -k5)
}

lists() { # files that still have an access list
  python3 - "$ws" <<'PY'
import os, sys
for top, dirs, files in os.walk(sys.argv[1]):
    for name in ['.'] + files:
        path = os.path.join(top, name)
        for key in os.listxattr(path, follow_symlinks=False):
            print(path, key)
PY
}

try() { # FILESYSTEM WAY OWNER GROUP OPTION...
  local what="$1 owned by $3:$4" filesystem=$1 way=$2 owner=$3 group=$4
  shift 4
  make_workspace "$owner" "$group"
  local out ways=$base/ways
  out=$(steps | "$tree_shell" --workspace "$ws" --agent-dir .claude "$@" 2>"$ways") || true
  equal "$what: the way" "way /workspace $way" "$(grep /workspace "$ways")"
  equal "$what: what the commands said" "$said" "$out"
  equal "$what: what the host finds" "$(after "$owner" "$group")" "$(found)"
  equal "$what: lists left behind" "" "$(lists)"
  equal "$what: messages" "" "$(grep -v '^way ' "$ways")"
  echo "done: $filesystem, $way, $owner:$group"
}

owners() { # FILESYSTEM WAY OPTION...
  local filesystem=$1 way=$2
  shift 2
  for owner in 0:0 1000:1000 501:20 501:0 1001:33; do
    try "$filesystem" "$way" "${owner%:*}" "${owner#*:}" "$@"
  done
}

case $(stat -f -c %T "$base") in
ext2/ext3 | xfs | btrfs)
  owners ext4 idmap
  owners ext4-without-idmap acl --no-idmap
  ;;
*) skip "/var/tmp is on $(stat -f -c %T "$base"), which is not known to have idmapped mounts" ;;
esac

# By lists: what was agentcli's uid before, or had a list before, is afterwards as it was.
make_workspace 501 20
ln -s nowhere "$ws/theirs"
echo theirs >"$ws/dir/file"
chown -h 1001:1001 "$ws/theirs" "$ws/dir/file"
python3 - "$ws/mine" <<'PY'
import os, struct, sys
entries = [(1, 6, -1), (2, 6, 1234), (4, 4, -1), (0x10, 4, -1), (0x20, 0, -1)]
text = struct.pack('<I', 2) + b''.join(struct.pack('<HHi', *entry) for entry in entries)
os.setxattr(sys.argv[1], 'system.posix_acl_access', text)
PY
state() {
  find "$ws" -printf '%y %u %g %m %P\n' | LC_ALL=C sort -k5
  python3 -c 'import os,sys; print(os.getxattr(sys.argv[1], "system.posix_acl_access").hex())' "$ws/mine"
  lists
}
before=$(state)
out=$(printf '%s\n' 'cli 1001 echo x >/workspace/new && rm /workspace/new && echo 2 >>/workspace/mine' \
  'task 1000 tail -n1 /workspace/mine; echo x >/workspace/dir/file' |
  "$tree_shell" --workspace "$ws" --no-idmap 2>/dev/null)
equal "lists: what the commands said" 2 "$out"
equal "lists: all is as before" "$before" "$(state)"

# A session that was killed leaves its entries; the next one takes them away.
make_workspace 501 20
before=$(find "$ws" -printf '%y %u %g %m %P\n' | LC_ALL=C sort -k5)
(
  echo "$BASHPID" >"$base/pid"
  exec "$tree_shell" --workspace "$ws" --no-idmap <<<"init 0 sleep 60" 2>/dev/null
) &
until [[ -n "$(lists)" ]]; do :; done
kill -9 "$(cat "$base/pid")"
wait 2>/dev/null || true
"$tree_shell" --workspace "$ws" --no-idmap </dev/null 2>/dev/null
equal "after a kill -9: lists left behind" "" "$(lists)"
equal "after a kill -9: all is as before" "$before" \
  "$(find "$ws" -printf '%y %u %g %m %P\n' | LC_ALL=C sort -k5)"

# What a killed session made is given back at the end of the next one, by whatever name it has.
make_workspace 501 20
(
  echo "$BASHPID" >"$base/pid"
  exec "$tree_shell" --workspace "$ws" --no-idmap 2>/dev/null <<'STEPS'
task 1000 cd /workspace && mkdir cut && echo x >cut/file && chmod 600 cut/file && ln cut/file cut/again
init 0 sleep 60
STEPS
) &
until [[ -e $ws/cut/again ]]; do :; done
kill -9 "$(cat "$base/pid")"
wait 2>/dev/null || true
"$tree_shell" --workspace "$ws" --no-idmap </dev/null 2>/dev/null
equal "made by a killed session: its owner" "501:20 501:20 501:20" \
  "$(stat -c %u:%g "$ws/cut" "$ws/cut/file" "$ws/cut/again" | xargs)"
equal "made by a killed session: lists left behind" "" "$(lists)"

mount -t tmpfs tmpfs "$base/mnt"
owners tmpfs idmap
owners tmpfs-without-idmap acl --no-idmap

mkdir "$base"/{lower,upper,work}
echo below >"$base/lower/below"
mount -t overlay overlay -o "lowerdir=$base/lower,upperdir=$base/upper,workdir=$base/work" "$base/mnt"
owners overlay acl

finish
