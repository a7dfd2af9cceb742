#!/usr/bin/env bash
# Set the project up in an AWS account; `scripts/quick_start.sh --help` tells the options. PYTHON
# names the interpreter.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

python=${PYTHON:-}
for candidate in "$root/.venv/bin/python" python3 python; do
  if [[ -z $python ]] && command -v "$candidate" >/dev/null; then
    python=$candidate
  fi
done

exec "${python:-python3}" "$root/scripts/quick_start.py" "$@"
