# Shared by the shell tests here: sourced with the path of tree-shell in $tree_shell.
# shellcheck shell=bash

failures=0

skip() {
  echo "SKIP: $1"
  exit 77
}

# equal WHAT WANTED GOT
equal() {
  if [[ "$2" == "$3" ]]; then
    return
  fi
  failures=$((failures + 1))
  printf 'FAILED: %s\n' "$1"
  diff -U0 --label wanted --label got <(printf '%s\n' "$2") <(printf '%s\n' "$3") || true
}

finish() {
  if ((failures > 0)); then
    echo "$failures failed"
    exit 1
  fi
  echo "all as expected"
}

# Runs the test again in a mount namespace of its own, so that it leaves no mount behind.
own_mounts() {
  [[ $EUID -eq 0 ]] || skip "needs root"
  if [[ -z "${IN_OWN_MOUNTS:-}" ]]; then
    IN_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
  fi
}
