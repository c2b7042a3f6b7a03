# shellcheck shell=bash
# Sessions in containers that an engine makes, and the one launch profile. Sourced by run-agent.

# What agent-init needs of root: mounts and namespaces, other processes' memory, identities, an empty
# bounding set for what it starts, signals to another uid.
readonly ENGINE_CAPABILITIES=(SYS_ADMIN SYS_PTRACE SETUID SETGID SETPCAP KILL)

# And where that root is the user alone, and ids cannot be mapped on a mount: to give files back to the
# user. A helper of agent-init's has them, until the session's end; no process of a session does.
readonly ROOTLESS_CAPABILITIES=(CHOWN FOWNER DAC_OVERRIDE)

# Where the container has a policy file. Nothing at the top of the tree is shown to the CLI.
readonly POLICY_INSIDE=/policy.json

# What run-agent sets before it calls session_line.
agent='' engine='' image='' programs='' options=() command=()

# refuse TEXT: as run-agent ends when it could not start a session.
refuse() { die 125 "$@"; }

# launch_profile: adds to `profile` the options that every container of ours is started with.
launch_profile() {
  local capability
  profile+=(--interactive --rm --read-only --security-opt no-new-privileges --cap-drop ALL)
  for capability in "${ENGINE_CAPABILITIES[@]}"; do profile+=(--cap-add "$capability"); done
  if [ "$engine" = podman ] && [ "$(id -u)" -ne 0 ]; then
    for capability in "${ROOTLESS_CAPABILITIES[@]}"; do profile+=(--cap-add "$capability"); done
  fi
  profile+=(--security-opt "seccomp=$TOP/policy/seccomp/container.json")
  profile+=(--log-driver none) # what the CLI prints is not for the engine's files
  # Docker's own AppArmor profile forbids every mount.
  if grep -qs Y /sys/module/apparmor/parameters/enabled; then
    profile+=(--security-opt apparmor=unconfined)
  fi
}

# bind SOURCE TARGET [FLAG]: adds a bind mount to `profile`. The engine reads its words as CSV.
bind() {
  profile+=(--mount "type=bind,\"source=${1//\"/\"\"}\",target=$2${3:+,$3}")
}

# pass_surroundings: the variables that describe the caller's terminal and language, by name.
pass_surroundings() {
  local name
  for name in TERM COLORTERM NO_COLOR LANG TZ "${!LC_@}"; do
    [ -z "${!name+set}" ] || profile+=(--env "$name")
  done
}

# The container's root has no power over files of others: what it is given must be open to it.
bind_policy() {
  [[ $(stat -L -c %A -- "$1") == ???????r* ]] ||
    refuse "--policy '$1': a container's root cannot read it: chmod a+r"
  bind "$1" "$POLICY_INSIDE" readonly
}

# linked_repository WORKTREE: prints the repository of a linked git worktree. It has to know the worktree:
# else a file that the last session wrote could name any directory.
linked_repository() {
  local gitdir repository back common
  if [ -L "$1/.git" ] || [ ! -f "$1/.git" ]; then return 1; fi
  IFS= read -r gitdir <"$1/.git" || return 1
  [[ $gitdir == "gitdir: "* ]] || return 1
  gitdir=$(cd -- "$1" && realpath -e -- "${gitdir#gitdir: }" 2>/dev/null) || return 1
  repository=$(dirname -- "$(dirname -- "$gitdir")")
  back=$(cd -- "$gitdir" && realpath -e -- "$(cat gitdir)" 2>/dev/null) || return 1
  common=$(cd -- "$gitdir" && realpath -e -- "$(cat commondir)" 2>/dev/null) || return 1
  if [ "$back" != "$1/.git" ] || [ "$common" != "$repository" ]; then return 1; fi
  printf '%s' "$repository"
}

# bind_workspace DIR: at /workspace, or with its repository where both know each other to be.
bind_workspace() {
  local tree repository
  tree=$(realpath -e -- "$1")
  if repository=$(linked_repository "$tree"); then
    bind "$tree" "$tree" && bind "$repository" "$repository" && inside+=(--workspace "$tree")
  else
    bind "$1" /workspace
  fi
}

# translate OPTION VALUE: an option of run-agent as one of agent-session's, the engine's, agent-init's,
# or of several.
translate() {
  case $1 in
    --workspace) bind_workspace "$2" ;;
    --events | --secret-fd) outside+=("$1" "$2") ;;
    --name) name=$2 ;;
    --cli-dir) bind "$2" "$2" readonly && inside+=("$1" "$2") ;;
    --policy)
      if [ ! -f "$2" ]; then
        inside+=("$1" "$2")
      else
        bind_policy "$2" && inside+=("$1" "$POLICY_INSIDE")
      fi
      ;;
    *) inside+=("$1" "$2") ;;
  esac
}

# session_line: sets `line` to the command of a session with run-agent's options in a container.
session_line() {
  local -a profile=() inside=() outside=()
  local at=0 kind=streams name
  name=agent-$(od -A n -N 3 -t x1 /dev/urandom | tr -d ' \n')
  [ -n "$image" ] || refuse "--engine $engine needs --image IMAGE; see docs/usage/docker.md"
  launch_profile
  pass_surroundings
  while [ "$at" -lt ${#options[@]} ]; do
    case ${options[at]} in
      --summary | --verbose) inside+=("${options[at]}") ;;
      *)
        translate "${options[at]}" "${options[at + 1]}"
        at=$((at + 1))
        ;;
    esac
    at=$((at + 1))
  done
  if [ -t 0 ] && [ -t 1 ]; then kind=terminal outside+=(--terminal); fi
  # The image knows where it has the CLI.
  [ "$agent" = custom ] || [[ ${command[0]:-} == /* ]] || command=("$agent" "${command[@]}")
  # shellcheck disable=SC2034 # run-agent executes it
  line=("$programs/channel/agent-session" run --name "$name" "${outside[@]}" --
    "$engine" run --name "$name" "${profile[@]}" "$image" --name "$name" --channel "$kind"
    "${inside[@]}" -- "${command[@]}")
}
