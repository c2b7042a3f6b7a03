#!/bin/bash
# The CLI of the test: holds a secret as the real ones do, and runs commands.
# cli.sh SCAN SINCE SECRET-BACKWARDS PLANTED-BACKWARDS PLANTED
set -euo pipefail
scan=$1 since=$2 secret=$3 planted=$4 value=$5
key=$(</run/agent-secrets/custom/API_KEY)
echo "holds ${#key}"

# What is no secret of this session is everywhere a value can get to. $PLANTED is set by --env.
sh -c 'for place in /workspace /tmp ~; do echo "$PLANTED" >$place/planted-by-command; done
       sleep 60; :' "$value" </dev/null >/dev/null 2>&1 &
echo "$value" >/workspace/planted-by-cli
until [ -e /workspace/planted-by-command ]; do /bin/sleep 0.1; done

look() { python3 "$scan" "$since" "$secret" "$planted" -- / | sed "s/^/$1\t/"; }
look quiet
echo "phase quiet"
read -r

# Now the CLI is careless with its secret.
env_leak=(env LEAK="$key")
"${env_leak[@]}" true 2>/dev/null || echo "argument of env $?"
export LEAK=$key
/bin/sleep 60 >/dev/null 2>&1 &
sh -c 'echo "leak ${#LEAK}"'
cat --token="$key" >/dev/null 2>&1 || echo "argument of cat $?"
look careless
echo "phase careless"
read -r
