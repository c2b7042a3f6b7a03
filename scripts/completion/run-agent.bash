# shellcheck shell=bash
# Completion of run-agent for bash. Load with: source scripts/completion/run-agent.bash

_run_agent() {
  local word=$2 before=$3
  COMPREPLY=()
  case $before in
    --agent) mapfile -t COMPREPLY < <(compgen -W 'claude codex copilot custom gemini' -- "$word") ;;
    --engine) mapfile -t COMPREPLY < <(compgen -W 'local docker podman' -- "$word") ;;
    --engine-trap) mapfile -t COMPREPLY < <(compgen -W 'notify trace off' -- "$word") ;;
    --policy) mapfile -t COMPREPLY < <(compgen -W 'default strict' -f -- "$word") ;;
    --workspace | --cli-dir | --build-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    --events) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    --image | --name | --secret-fd | --cwd | --env | --hide) ;;
    *)
      mapfile -t COMPREPLY < <(compgen -W '--workspace --agent --engine --image --policy --name
        --secret-fd --cli-dir --cwd --env --events --build-dir --engine-trap --hide --summary --verbose
        --dry-run --help --' -- "$word")
      ;;
  esac
}

complete -o filenames -F _run_agent run-agent
