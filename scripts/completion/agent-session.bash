# shellcheck shell=bash
# Completion of agent-session for bash. Load with: source scripts/completion/agent-session.bash

_agent_session() {
  local word=$2 before=$3
  COMPREPLY=()
  case $before in
    attach | resume)
      mapfile -t COMPREPLY < <(compgen -W "$(agent-session list 2>/dev/null)" -- "$word")
      ;;
    --events) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    --name | --secret-fd) ;;
    *)
      mapfile -t COMPREPLY < <(compgen -W 'attach resume list run --name --terminal --secret-fd --events
        --help' -- "$word")
      ;;
  esac
}

complete -F _agent_session agent-session
