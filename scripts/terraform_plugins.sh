#!/usr/bin/env bash
# Print the folder of a mirror that has the provider hashicorp/aws, for `init -plugin-dir`:
# $TF_PLUGIN_DIR, or what lies under the usual prefixes. Prints nothing where there is none;
# Terraform then asks the registry.
set -euo pipefail

if [[ -n ${TF_PLUGIN_DIR:-} ]]; then
  echo "$TF_PLUGIN_DIR"
  exit 0
fi
prefixes=()
for prefix in /opt /usr/local /usr/share /usr/lib "${HOME:-}/.terraform.d"; do
  if [[ -d $prefix ]]; then
    prefixes+=("$prefix")
  fi
done
found=$(find "${prefixes[@]}" -maxdepth 6 -type d \
  -path '*/registry.terraform.io/hashicorp/aws' -print -quit 2>/dev/null || true)
if [[ -n $found ]]; then
  echo "${found%/registry.terraform.io/hashicorp/aws}"
fi
