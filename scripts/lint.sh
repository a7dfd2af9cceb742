#!/usr/bin/env bash
# Run every static check, all of them even when one fails, and tell at the end which failed.
# The checks that need a tool from outside .venv are left out, audibly, where it is missing.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

failed=()

check() { # check NAME COMMAND...
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}

skip() { # skip NAME REASON
  echo "== $1: left out, $2"
}

no_package_in_locust() {
  if [[ -e locust/__init__.py ]]; then
    echo "locust/__init__.py would make this folder hide the locust library: remove it" >&2
    return 1
  fi
}

terraform_validate() {
  local arguments=(-backend=false -input=false) mirror
  if [[ -f terraform/.terraform.lock.hcl ]]; then
    arguments+=(-lockfile=readonly)
  fi
  mirror=$(scripts/terraform_plugins.sh)
  if [[ -n $mirror ]]; then
    arguments+=("-plugin-dir=$mirror")
  fi
  if ! terraform -chdir=terraform init -no-color "${arguments[@]}" >"$scratch/init" 2>&1; then
    cat "$scratch/init" >&2
    # Providers that cannot be fetched say nothing about the files, except where they must be had.
    if [[ ${GITHUB_ACTIONS:-} != true ]] &&
      grep -qE 'Failed to (query available provider packages|install provider)' "$scratch/init"; then
      echo "the providers cannot be fetched from here: not validated"
      return 0
    fi
    return 1
  fi
  terraform -chdir=terraform validate -no-color
}

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

# Those of the folders named in pyproject.toml that hold Python files: mypy refuses an empty one.
python_folders=()
for folder in src ml-model lambda locust scripts tests; do
  if [[ -n $(find "$folder" -name dist -prune -o -name '*.py' -print -quit 2>/dev/null) ]]; then
    python_folders+=("$folder")
  fi
done

check "ruff check" .venv/bin/ruff check .
check "ruff format" .venv/bin/ruff format --check .
check "mypy" .venv/bin/mypy "${python_folders[@]}"
check "import-linter" .venv/bin/lint-imports --no-logo
check "locust folder" no_package_in_locust

if ! compgen -G "terraform/*.tf" >/dev/null; then
  skip "terraform" "there is no terraform/*.tf"
elif ! command -v terraform >/dev/null; then
  skip "terraform" "the terraform binary is not installed"
else
  check "terraform fmt" terraform fmt -check -diff -recursive terraform
  check "terraform validate" terraform_validate
fi

shell_scripts=(.ci/run)
while IFS= read -r -d '' file; do
  shell_scripts+=("$file")
done < <(find .ci scripts lambda locust ml-model terraform tests \
  -name .terraform -prune -o -name dist -prune -o -name '*.sh' -print0 2>/dev/null)
if command -v shellcheck >/dev/null; then
  check "shellcheck" shellcheck --external-sources "${shell_scripts[@]}"
else
  skip "shellcheck" "shellcheck is not installed"
fi

if ((${#failed[@]})); then
  printf -v list '%s, ' "${failed[@]}"
  echo "lint: failed: ${list%, }" >&2
  exit 1
fi
echo "lint: all checks passed"
