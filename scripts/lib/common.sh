# shellcheck shell=bash
# Words that every script of the checkout uses. Sourced, never run.

# The checkout, or the installed tree: the directory above scripts/.
TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)

# say TEXT: one line of progress on stderr, prefixed with the script's name.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die STATUS TEXT: the last line a script prints.
die() {
  local status=$1
  shift
  say "$@"
  exit "$status"
}

# need_root WHY ARGS...: goes on as root; by sudo where it is there, else says what to type.
need_root() {
  local why=$1
  shift
  [ "$(id -u)" -eq 0 ] && return
  if command -v sudo >/dev/null; then
    exec sudo -- "$0" "$@"
  fi
  die 1 "$why needs root and sudo is not here: run it as root"
}

# give_back DIR...: what root made in the checkout belongs to the person who typed sudo.
give_back() {
  [ -n "${SUDO_UID:-}" ] && [ -n "${SUDO_GID:-}" ] || return 0
  local dir
  for dir in "$@"; do
    [ ! -d "$dir" ] || chown -R -h "$SUDO_UID:$SUDO_GID" "$dir"
  done
}

# build DIR [MESON_OPTION...] [-- TARGET...]: configures what is not configured, then compiles.
# Says nothing unless it has something to do; shows the compiler's words when it fails.
build() {
  local dir=$1 jobs log status=0
  local -a options=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  [ $# -eq 0 ] || shift
  if [ ! -f "$dir/build.ninja" ]; then
    say "configuring $dir"
    meson setup "$dir" "$TOP" "${options[@]}" >"$dir.configure.log" 2>&1 || {
      cat "$dir.configure.log" >&2
      rm -f "$dir.configure.log"
      return 1
    }
    rm -f "$dir.configure.log"
  fi
  jobs=$(nproc)
  if ninja -C "$dir" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
    return 0
  fi
  say "building in $dir"
  if [ -t 2 ]; then
    ninja -C "$dir" -j "$jobs" "$@" >&2
    return
  fi
  log=$(mktemp)
  ninja -C "$dir" -j "$jobs" "$@" >"$log" 2>&1 || status=$?
  [ "$status" -eq 0 ] || grep -v '^\[[0-9]*/[0-9]*\] ' "$log" >&2
  rm -f "$log"
  return "$status"
}
