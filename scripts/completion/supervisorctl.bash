# shellcheck shell=bash
# Completion of supervisorctl for bash. Load with: source scripts/completion/supervisorctl.bash

_supervisorctl() {
  local word=$2 before=$3
  COMPREPLY=()
  case $before in
    --session)
      mapfile -t COMPREPLY < <(compgen -W "$(ls /run/coding-agents-sessions 2>/dev/null)" -- "$word")
      ;;
    answer)
      # The numbers of the questions that are open in the only session.
      mapfile -t COMPREPLY < <(compgen -W \
        "$(supervisorctl asks --json 2>/dev/null | grep -o '"id":[0-9]*' | cut -d: -f2)" -- "$word")
      ;;
    [0-9]*) mapfile -t COMPREPLY < <(compgen -W 'allow deny' -- "$word") ;;
    *)
      mapfile -t COMPREPLY < <(compgen -W 'status enforcement asks answer tasks
        --session --json --help' -- "$word")
      ;;
  esac
}

complete -F _supervisorctl supervisorctl
