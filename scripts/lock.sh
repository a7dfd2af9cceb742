#!/usr/bin/env bash
# Write every hashed requirements file anew from pyproject.toml and requirements/*.in.
#
#   scripts/lock.sh             keep the locked versions that still satisfy the bounds
#   scripts/lock.sh --upgrade   take the newest version of everything
#
# uv does the resolving. It is taken from PATH ($UV names another one), or else installed into a
# throw-away venv made with $PYTHON: the project's own .venv never holds it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

uv=${UV:-$(command -v uv || true)}
if [[ -z $uv ]]; then
  echo "lock: installing uv into a throw-away venv"
  "$PYTHON" -m venv "$work/venv"
  "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
  uv=$work/venv/bin/uv
fi
"$uv" --version

# The settings of the machine (extra indexes, mirrors, find-links, date limits) must not reach the
# lock: it is resolved against PyPI alone, and names no index.
for name in $(compgen -e UV_ || true); do
  unset "$name"
done

compile() { # compile OUTPUT ARGUMENT...
  local output=$1
  shift
  echo "lock: $output"
  "$uv" --no-config pip compile --quiet --generate-hashes \
    --no-emit-index-url --no-emit-find-links \
    --custom-compile-command "make lock" --output-file "$output" "$@"
}

# The one of development: all extras, for every supported Python and platform.
compile requirements/dev.txt pyproject.toml \
  --universal --python-version 3.11 --all-extras "$@"

# The narrower ones keep to the versions of the first, so that what is tested is what runs.
versions=(--constraint requirements/dev.txt)

compile ml-model/requirements.txt pyproject.toml \
  --universal --python-version 3.11 --extra train "${versions[@]}" "$@"

compile locust/requirements.txt pyproject.toml \
  --universal --python-version 3.11 --extra load "${versions[@]}" "$@"

# The Lambda function runs on Python 3.13 on Linux, and nowhere else.
compile lambda/requirements.txt requirements/lambda.in \
  --python-version 3.13 --python-platform linux "${versions[@]}" "$@"

# The audit has an environment of its own, and so versions of its own.
compile requirements/audit.txt requirements/audit.in \
  --universal --python-version 3.11 "$@"

# The environment of the mutants sees the packages of .venv, so it keeps to their versions.
compile requirements/mutants.txt requirements/mutants.in \
  --universal --python-version 3.11 "${versions[@]}" "$@"

# No lock may name an index or a place on this machine.
if grep -nE '^[[:space:]]*--(index-url|extra-index-url|find-links|trusted-host)|https?://|file:|(^|[[:space:]])/[a-z]' \
  requirements/dev.txt requirements/audit.txt requirements/mutants.txt ml-model/requirements.txt \
  locust/requirements.txt lambda/requirements.txt; then
  echo "lock: the lines above name an index or a path of this machine" >&2
  exit 1
fi
echo "lock: done"
