#!/usr/bin/env bash
# Audit the code with bandit, the Terraform files with checkov, and the locked packages with
# pip-audit. What they do not like is mended, or left out in the code by a comment with the reason;
# nothing may fail, and no such comment may be left over. Without a way to the list of known
# vulnerabilities the packages are not audited, which is said; on GitHub it is a failure.
#
#   scripts/audit.sh            make .venv-audit where it is not up to date, then audit
#   scripts/audit.sh --venv     make .venv-audit only
set -euo pipefail

if [[ $# -gt 1 || ${1:---venv} != --venv ]]; then
  echo "usage: scripts/audit.sh [--venv]" >&2
  exit 2
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-python3}
lock=requirements/audit.txt
stamp=.venv-audit/made-from

make_environment() {
  if cmp --silent "$lock" "$stamp"; then
    return
  fi
  echo "audit: installing bandit, checkov, pip-audit and Saleor's libraries into .venv-audit"
  rm -rf .venv-audit
  "$PYTHON" -m venv .venv-audit
  .venv-audit/bin/python -m pip install --quiet --disable-pip-version-check \
    --require-hashes --requirement "$lock"
  cp "$lock" "$stamp"
}

make_environment
if [[ ${1:-} == --venv ]]; then
  exit 0
fi

report=$(mktemp)
trap 'rm -f -- "$report"' EXIT
failed=0

# Their exit codes only say that something was found; the reports say what, and are read below.
.venv-audit/bin/bandit --quiet --recursive --configfile pyproject.toml --ignore-nosec \
  --format json --output "$report" src scripts lambda ml-model locust || true
.venv-audit/bin/python scripts/audit_report.py bandit "$report" . || failed=1

.venv-audit/bin/checkov --directory terraform --framework terraform --skip-download --compact \
  --output json >"$report" || true
.venv-audit/bin/python scripts/audit_report.py checkov "$report" terraform || failed=1

.venv-audit/bin/python scripts/audit_dependencies.py requirements/dev.txt requirements/audit.txt \
  requirements/mutants.txt ml-model/requirements.txt locust/requirements.txt \
  lambda/requirements.txt || {
  code=$?
  if ((code != 3)) || [[ ${GITHUB_ACTIONS:-} == true ]]; then
    failed=1
  fi
}

exit "$failed"
