#!/usr/bin/env bash
# Build the Lambda's zip; `lambda/build.sh --help` tells the options. PYTHON names the interpreter.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

python=${PYTHON:-}
# The project's own one is sure to have pip.
for candidate in "$root/.venv/bin/python" python3 python; do
  if [[ -z $python ]] && command -v "$candidate" >/dev/null; then
    python=$candidate
  fi
done

exec "${python:-python3}" "$root/scripts/build_lambda.py" "$@"
