#!/usr/bin/env bash
# Run a load test; `locust/run_test.sh --help` tells the options. PYTHON names the interpreter.
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

python=${PYTHON:-}
for candidate in "$folder/../.venv/bin/python" python3 python; do
  if [[ -z $python ]] && command -v "$candidate" >/dev/null; then
    python=$candidate
  fi
done

exec "${python:-python3}" "$folder/run_test.py" "$@"
