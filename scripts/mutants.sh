#!/usr/bin/env bash
# Change the code of the decision and its policies in many small ways (mutmut makes the mutants, one
# change each), and run the tests against each: a change that no test notices has survived. Which
# code and which tests stands in pyproject.toml. Every run judges all mutants anew.
#
#   scripts/mutants.sh [PROCESSES]    2 by default
#
# Exit code 1 if fewer than 90 % were caught.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

processes=${1:-2}
lock=requirements/mutants.txt
environment=.venv-mutants
stamp=$environment/made-from

made_from() {
  .venv/bin/python -VV
  cat "$lock"
}

make_environment() {
  if made_from | cmp --silent - "$stamp"; then
    return
  fi
  echo "mutants: installing mutmut into $environment"
  rm -rf "$environment"
  .venv/bin/python -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes --requirement "$lock"
  # Behind its own packages it sees those of .venv, but not the project: that is the mutated copy.
  local ours theirs
  ours=$(packages_of "$environment")
  theirs=$(packages_of .venv)
  realpath --relative-to "$ours" "$theirs" >"$ours/packages-of-the-project.pth"
  made_from >"$stamp"
}

packages_of() { # packages_of ENVIRONMENT
  "$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
}

make_environment
rm -rf mutants
# On a terminal its one line of progress is written over; in a file, every fiftieth state will do.
sparse() {
  tr '\r' '\n' | LC_ALL=C awk '
    !NF { next }
    !/^\342/ { print; fflush(); next }
    { text = substr($0, 5) }
    text ~ /^[0-9]/ ? n++ % 50 == 0 : text != last { print text; fflush() }
    { last = text }'
}
if [[ -t 1 ]]; then
  "$environment/bin/mutmut" run --max-children "$processes"
else
  "$environment/bin/mutmut" run --max-children "$processes" | sparse
fi
"$environment/bin/mutmut" results --all true |
  "$environment/bin/python" scripts/mutants_report.py "$environment/bin/mutmut"
