# shellcheck shell=bash
# Dates for git, so that commits and logs are the same in every run.
export GIT_AUTHOR_DATE=2024-02-02T00:00:00Z GIT_COMMITTER_DATE=2024-02-02T00:00:00Z
