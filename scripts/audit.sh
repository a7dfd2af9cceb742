#!/usr/bin/env bash
# Audit the Terraform files with checkov. What it does not like is mended, or left out in the code
# by a comment with the reason; nothing may fail, and no such comment may be left over.
#
#   scripts/audit.sh            make .venv-audit where it is not up to date, then audit
#   scripts/audit.sh --venv     make .venv-audit only
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-python3}
lock=requirements/audit.txt
stamp=.venv-audit/made-from

make_environment() {
  if cmp --silent "$lock" "$stamp"; then
    return
  fi
  echo "audit: installing checkov and Saleor's libraries into .venv-audit"
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

# Its exit code only says that something failed; the report says what, and is read below.
.venv-audit/bin/checkov --directory terraform --framework terraform --skip-download --compact \
  --output json >"$report" || true
.venv-audit/bin/python scripts/audit_report.py "$report" terraform
