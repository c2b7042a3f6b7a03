# shellcheck shell=bash
# Sessions in containers that an engine makes, and the one launch profile. Sourced by run-agent.

# What agent-init needs of root: mounts and namespaces, other processes' memory, identities, an empty
# bounding set for what it starts, signals to another uid.
readonly ENGINE_CAPABILITIES=(SYS_ADMIN SYS_PTRACE SETUID SETGID SETPCAP KILL)

# Where the container has what options name. Nothing at the top of the tree is shown to the CLI.
readonly EVENTS_INSIDE=/events.jsonl
readonly POLICY_INSIDE=/policy.json

# What run-agent sets before it calls run_in_docker.
agent='' build_dir='' image='' dry_run=no options=() command=()

# refuse TEXT: as run-agent ends when it could not start a session.
refuse() { die 125 "$@"; }

# launch_profile: adds to `profile` the options that every container of ours is started with.
launch_profile() {
  local capability
  profile+=(--interactive --rm --read-only --security-opt no-new-privileges --cap-drop ALL)
  for capability in "${ENGINE_CAPABILITIES[@]}"; do profile+=(--cap-add "$capability"); done
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

bind_events() {
  if [ "$dry_run" = no ]; then
    [ -e "$1" ] || (umask 077 && : >"$1") || refuse "--events '$1': cannot be made"
    [ "$(stat -L -c %u -- "$1")" = 0 ] ||
      refuse "--events '$1': a container's root can write root's files only: name a new file," \
        "and run run-agent as root"
  fi
  bind "$1" "$EVENTS_INSIDE"
}

# take_secret N=NAME: reads the descriptor to its end into variables of this shell, where send_input
# takes it from: no argument, no environment and no file has it.
take_secret() {
  local value size
  value=$(base64 -w 0 <&"${1%%=*}") || refuse "--secret-fd ${1%%=*}: cannot be read"
  size=$(printf '%s' "$value" | base64 -d | wc -c)
  secret_values+=("$value")
  inside+=(--secret-stdin "$size=${1#*=}")
}

# send_input: the secrets, then this process's stdin until its end.
send_input() {
  local value
  for value in "${secret_values[@]}"; do printf '%s' "$value" | base64 -d; done
  exec cat 2>/dev/null
}

# translate OPTION VALUE: an option of run-agent as one of the engine's, of agent-init's, or both.
translate() {
  case $1 in
    --workspace) bind "$2" /workspace ;;
    --events) bind_events "$2" && inside+=("$1" "$EVENTS_INSIDE") ;;
    --name) profile+=("$1" "$2") && inside+=("$1" "$2") ;;
    --cli-dir) refuse "--cli-dir '$2': a container's CLI is in its image; see docs/usage/docker.md" ;;
    --policy)
      if [ ! -f "$2" ]; then
        inside+=("$1" "$2")
      else
        bind_policy "$2" && inside+=("$1" "$POLICY_INSIDE")
      fi
      ;;
    --secret-fd)
      if [ "$dry_run" = yes ]; then inside+=(--secret-stdin "?=${2#*=}"); else take_secret "$2"; fi
      ;;
    *) inside+=("$1" "$2") ;;
  esac
}

# run_in_docker: becomes the engine's client of a session with run-agent's options.
run_in_docker() {
  local -a profile=() inside=() secret_values=() line
  local at=0
  [ -n "$image" ] || refuse "--engine docker needs --image IMAGE; see docs/usage/docker.md"
  [ -z "$build_dir" ] || refuse "--build-dir is for --engine local: an image has its programs"
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
  # The image knows where it has the CLI.
  [ "$agent" = custom ] || [[ ${command[0]:-} == /* ]] || command=("$agent" "${command[@]}")
  line=(docker run "${profile[@]}" "$image" "${inside[@]}" -- "${command[@]}")
  if [ "$dry_run" = yes ]; then
    printf '%q ' "${line[@]}"
    echo
    exit 0
  fi
  command -v docker >/dev/null || refuse "docker is not here: apt-get install docker.io"
  exec "${line[@]}" < <(send_input)
}
