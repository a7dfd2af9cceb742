#!/usr/bin/env bash
# Stands for the AWS command line in test_release.py: secrets and objects are files in $CLOUD.
set -euo pipefail

value_of() { # value_of OPTION ARGUMENT...
  local option=$1
  shift
  while (($#)); do
    if [[ $1 == "$option" ]]; then
      printf '%s' "$2"
      return
    fi
    shift
  done
}

echo "$1 $2" >>"$CLOUD/calls"
secret=$CLOUD/$(value_of --secret-id "$@")
case "$1 $2" in
  "secretsmanager get-secret-value") cat "$secret" ;;
  "secretsmanager describe-secret") if [[ -e $secret ]]; then echo 1; else echo 0; fi ;;
  "secretsmanager put-secret-value")
    text=$(value_of --secret-string "$@")
    cat "${text#file://}" >"$secret"
    ;;
  "s3api put-object") touch "$CLOUD/$(basename "$(value_of --key "$@")")" ;;
  "s3api head-object") test -e "$CLOUD/$(basename "$(value_of --key "$@")")" ;;
  *)
    echo "no stand-in for: $*" >&2
    exit 2
    ;;
esac
