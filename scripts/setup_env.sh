#!/usr/bin/env bash
# Set ASG_NAME, S3_BUCKET, AWS_REGION and the other settings as the deployed controller has them.
# In bash and zsh:
#
#   . scripts/setup_env.sh
#   eval "$(scripts/setup_env.sh)"
#
# The second prints them, and takes options (--help; `--format fish | source` in fish). PYTHON names
# the interpreter. Sourced, it changes no option of the shell, and does not end it if it fails.

_autoscaler_settings() { # _autoscaler_settings FILE [OPTION...]
  local root python candidate
  root=$(cd "$(dirname "$1")/.." && pwd) || return
  shift
  python=${PYTHON:-}
  for candidate in "$root/.venv/bin/python" python3 python; do
    if [ -z "$python" ] && command -v "$candidate" >/dev/null; then
      python=$candidate
    fi
  done
  "${python:-python3}" "$root/scripts/setup_env.py" "$@"
}

if [ -n "${ZSH_VERSION:-}" ]; then
  # The first is this file's name, the second says whether it is sourced. bash knows neither.
  eval '_autoscaler_file=${(%):-%x}'
  eval '[[ $ZSH_EVAL_CONTEXT == *:file* ]] && _autoscaler_sourced=yes || _autoscaler_sourced=no'
else
  _autoscaler_file=${BASH_SOURCE[0]:-$0}
  [ "$_autoscaler_file" != "$0" ] && _autoscaler_sourced=yes || _autoscaler_sourced=no
fi

# shellcheck disable=SC2154 # zsh's eval sets it
if [ "$_autoscaler_sourced" = no ]; then
  _autoscaler_settings "$_autoscaler_file" "$@"
  exit
fi

# What the sourcing script was called with is not meant for this.
if _autoscaler_lines=$(_autoscaler_settings "$_autoscaler_file"); then
  eval "$_autoscaler_lines"
  unset -v _autoscaler_file _autoscaler_sourced _autoscaler_lines
  unset -f _autoscaler_settings
else
  unset -v _autoscaler_file _autoscaler_sourced _autoscaler_lines
  unset -f _autoscaler_settings
  return 1
fi
