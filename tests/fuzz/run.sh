#!/usr/bin/env bash
# Runs one fuzz target over its corpus for some seconds; what it finds stays in the build directory.
# usage: run.sh TARGET CORPUS SECONDS
set -euo pipefail

target=$1
corpus=$2
seconds=$3
[ -z "${SOAK:-}" ] || seconds=$((seconds * 60))
found=$target.found
mkdir -p "$found"
[ ! -d "$corpus" ] || found+=" $corpus"
# shellcheck disable=SC2086  # one or two directories, neither with a space of ours
"$target" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$target." -rss_limit_mb=2048 \
  -timeout=10 -close_fd_mask=1 $found 2>&1 | tee "$target.log" | tail -n 25
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$target.log")
echo "measured: $runs inputs in $seconds s"
[ "${runs:-0}" -gt 1000 ]
