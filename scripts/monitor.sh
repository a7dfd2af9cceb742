#!/usr/bin/env bash
# Watch a group: scripts/monitor.sh --component asg --refresh-interval 5
# `scripts/monitor.sh --help` tells the options. PYTHON names the interpreter.
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ -n ${PYTHON:-} ]]; then
  program=("$PYTHON" -m predictive_autoscaler)
elif [[ -x $folder/../.venv/bin/python ]]; then
  program=("$folder/../.venv/bin/python" -m predictive_autoscaler)
elif command -v predictive-autoscaler >/dev/null; then
  program=(predictive-autoscaler)
else
  echo "predictive-autoscaler is not installed: run make setup first, or name a PYTHON that has it" >&2
  exit 1
fi

exec "${program[@]}" monitor "$@"
