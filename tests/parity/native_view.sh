#!/bin/bash
# Runs a command as uid 1000 in a view of this machine laid out as a session's is, but without any
# supervisor: the native side of a comparison.
#
# usage: native_view.sh WORKSPACE DIRECTORY[:DIRECTORY...] -- COMMAND [ARGUMENT...]
#
# WORKSPACE appears as /workspace. Each DIRECTORY appears read-only under its own path. The command
# starts in /workspace with the environment of this script; its exit status is the script's.
set -euo pipefail

if [[ ${1-} != --inside ]]; then
  exec unshare --mount --pid --fork --ipc --uts --kill-child --propagation private \
    -- bash "$0" --inside "$@"
fi
shift
workspace=$1
IFS=: read -r -a directories <<<"$2"
shift 3

# A directory every machine has; what it holds is hidden in this mount namespace only.
root=/srv
mount -t tmpfs -o mode=755,nosuid native "$root"

# Binds a file or directory of this machine under the same path, read-only.
show() {
  if [[ -L $1 ]]; then
    cp -d "$1" "$root$1"
  elif [[ -d $1 ]]; then
    mkdir -p "$root$1"
    mount --bind -o ro,nosuid,nodev "$1" "$root$1"
  fi
}

for directory in /usr /bin /sbin /lib /lib32 /lib64 /libx32 /etc /opt; do
  show "$directory"
done

mkdir -p "$root"/{workspace,home/agentuser,tmp,proc,run,dev}
mount --bind "$workspace" "$root/workspace"
mount -o remount,bind,nosuid,nodev "$root/workspace"
mount -t tmpfs -o mode=700,uid=1000,gid=1000,nosuid,nodev home "$root/home/agentuser"
mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$root/tmp"
for directory in "${directories[@]}"; do
  show "$directory"
done
mount -t proc proc "$root/proc"

mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root"/dev/{pts,shm}
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for number in 0 1 2; do
  names=(stdin stdout stderr)
  ln -s "/proc/self/fd/$number" "$root/dev/${names[number]}"
done

passwd=$root/run/passwd
group=$root/run/group
printf '%s\n' root:x:0:0:root:/root:/bin/bash \
  agentuser:x:1000:1000::/home/agentuser:/bin/bash \
  agentcli:x:1001:1001::/home/agentuser:/bin/bash \
  nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin >"$passwd"
printf '%s\n' root:x:0: agentuser:x:1000: agentcli:x:1001: nogroup:x:65534: >"$group"
mount --bind "$passwd" "$root/etc/passwd"
mount --bind "$group" "$root/etc/group"

mkdir "$root/old"
cd "$root"
/usr/sbin/pivot_root . old
umount -l /old
rmdir /old
cd /workspace
# Not exec: this script stays pid 1 of the view and reaps what the command leaves behind.
setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --bounding-set=-all "$@"
