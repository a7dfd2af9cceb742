#!/usr/bin/env bash
# Make the key that signs the shop's tokens, if there is none yet. It goes straight to Secrets
# Manager, through a pipe. Called under the release lock.
set -euo pipefail

shop=${SHOP:-/srv/shop}
# shellcheck source=/dev/null
source "$shop/settings.env"

# shellcheck disable=SC2016  # The backquotes are those of a JMESPath literal.
versions=$(aws secretsmanager describe-secret --region "$AWS_REGION" \
  --secret-id "$RSA_SECRET_ARN" --query 'length(keys(VersionIdsToStages || `{}`))' --output text)
if ((versions > 0)); then
  exit 0
fi
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 |
  aws secretsmanager put-secret-value --region "$AWS_REGION" --secret-id "$RSA_SECRET_ARN" \
    --secret-string file:///dev/stdin >/dev/null
