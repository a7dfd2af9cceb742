#!/usr/bin/env bash
# At every boot: start the containers, once the database is at this release.
set -euo pipefail

shop=${SHOP:-/srv/shop}
# shellcheck source=/dev/null
source "$shop/settings.env"
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$shop/lib.sh"

released() {
  aws s3api head-object --region "$AWS_REGION" --bucket "$RECORDS_BUCKET" \
    --key "releases/$RELEASE" >/dev/null 2>&1
}

# The worker migrates; until it has, a web instance would serve errors. The first release of an
# empty database takes minutes, hence the heartbeats.
wait_for_release() {
  until released; do
    note "waiting for release $RELEASE"
    lifecycle record-lifecycle-action-heartbeat launch || true
    sleep "${POLL_SECONDS:-20}"
  done
}

# In service is not serving: three good answers in a row, then the group may send traffic.
wait_until_healthy() {
  local good=0 status
  while ((good < 3)); do
    sleep "${PROBE_SECONDS:-2}"
    status=$(curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' \
      "http://127.0.0.1:$APP_PORT/health/" || true)
    if [[ $status == 200 ]]; then
      good=$((good + 1))
    else
      good=0
    fi
  done
}

if [[ $KIND == web ]]; then
  wait_for_release
else
  "$shop/release.sh"
fi

export_environment
docker compose --file "$shop/compose.yaml" up --detach --quiet-pull

if [[ $KIND == web ]]; then
  wait_until_healthy
  # After a mere reboot there is no hook to complete, and no harm in asking.
  lifecycle complete-lifecycle-action launch --lifecycle-action-result CONTINUE ||
    note "no launch hook to complete"
fi
