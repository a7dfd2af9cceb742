#!/usr/bin/env bash
# Runs once, at the first boot: installs what Amazon Linux 2023 lacks, and starts the shop. What
# fails is tried again: nobody replaces a worker that could not reach a mirror for a moment.
set -euo pipefail

if [[ ${1:-} != once ]]; then
  until "$0" once; do
    echo "shop: the installation failed; once more" >&2
    sleep "${RETRY_SECONDS:-20}"
  done
  exit
fi

shop=${SHOP:-/srv/shop}
# shellcheck source=/dev/null
source "$shop/settings.env"

packages=(docker jq amazon-cloudwatch-agent)
if [[ $KIND == worker ]]; then
  packages+=(postgresql16)
fi
dnf install --assumeyes --quiet "${packages[@]}"

# Amazon Linux has no package of Compose. What was downloaded is run only if it is what was meant.
plugin=/usr/local/lib/docker/cli-plugins/docker-compose
mkdir -p "${plugin%/*}"
curl --fail --silent --show-error --location --retry 5 --output "$plugin.new" "$COMPOSE_URL"
echo "$COMPOSE_SHA256  $plugin.new" | sha256sum --check --quiet
chmod 755 "$plugin.new"
mv "$plugin.new" "$plugin"

# RDS's own certificate authorities; no system knows them.
curl --fail --silent --show-error --retry 5 --output "$shop/rds-ca.pem" \
  "https://truststore.pki.rds.amazonaws.com/$AWS_REGION/$AWS_REGION-bundle.pem"

/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \
  -a fetch-config -m ec2 -s -c "file:$shop/cloudwatch-agent.json"

systemctl daemon-reload
systemctl enable --now docker
if [[ $KIND == web ]]; then
  systemctl enable --now --no-block shop-drain.service
fi
systemctl enable --now --no-block shop.service
